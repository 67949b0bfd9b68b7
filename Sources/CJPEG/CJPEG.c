#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

struct JPEGDecompressor {
    struct jpeg_decompress_struct state;
    struct jpeg_error_mgr errors;
    jmp_buf failure;
    int warnings;
};

static JPEGDecompressor *owner(j_common_ptr state) { return state->client_data; }

static void fail(j_common_ptr state) { longjmp(owner(state)->failure, 1); }

static void note(j_common_ptr state, int level) {
    if (level < 0) owner(state)->warnings++;
}

static void print(j_common_ptr state) { (void)state; }

JPEGDecompressor *jpegCreate(void) {
    JPEGDecompressor *decompressor = calloc(1, sizeof *decompressor);
    if (!decompressor) return NULL;
    decompressor->state.err = jpeg_std_error(&decompressor->errors);
    decompressor->errors.error_exit = fail;
    decompressor->errors.emit_message = note;
    decompressor->errors.output_message = print;
    decompressor->state.client_data = decompressor;
    if (setjmp(decompressor->failure)) {
        free(decompressor);
        return NULL;
    }
    jpeg_create_decompress(&decompressor->state);
    return decompressor;
}

void jpegDestroy(JPEGDecompressor *decompressor) {
    if (!decompressor) return;
    if (!setjmp(decompressor->failure)) jpeg_destroy_decompress(&decompressor->state);
    free(decompressor);
}

int jpegOpen(JPEGDecompressor *decompressor, const unsigned char *file, size_t byteCount, int *width, int *height) {
    j_decompress_ptr state = &decompressor->state;
    decompressor->warnings = 0;
    if (setjmp(decompressor->failure)) return 0;
    jpeg_mem_src(state, file, byteCount);
    if (jpeg_read_header(state, TRUE) != JPEG_HEADER_OK) return 0;
    if (state->jpeg_color_space == JCS_CMYK || state->jpeg_color_space == JCS_YCCK) return 0;
    state->out_color_space = JCS_RGB;
    state->dct_method = JDCT_ISLOW;
    *width = (int)state->image_width;
    *height = (int)state->image_height;
    return 1;
}

void jpegScale(JPEGDecompressor *decompressor, int eighths, int smooth, int *width, int *height) {
    j_decompress_ptr state = &decompressor->state;
    if (setjmp(decompressor->failure)) return;
    state->scale_num = (unsigned)eighths;
    state->scale_denom = 8;
    state->do_fancy_upsampling = smooth ? TRUE : FALSE;
    jpeg_calc_output_dimensions(state);
    *width = (int)state->output_width;
    *height = (int)state->output_height;
}

int jpegStart(JPEGDecompressor *decompressor, int column, int width, JPEGColumns *columns) {
    // Smooth upsampling looks at the neighbours of a pixel: of the first and last columns these must be decoded, too.
    enum { margin = 16 };
    j_decompress_ptr state = &decompressor->state;
    if (setjmp(decompressor->failure)) return 0;
    if (!jpeg_start_decompress(state)) return 0;
    int whole = (int)state->output_width;
    JDIMENSION first = (JDIMENSION)(column > margin ? column - margin : 0);
    JDIMENSION count = (JDIMENSION)(column + width + margin < whole ? column + width + margin : whole) - first;
    if ((int)count < whole) jpeg_crop_scanline(state, &first, &count);
    columns->column = (int)first;
    columns->width = (int)state->output_width;
    return 1;
}

int jpegRows(JPEGDecompressor *decompressor, int row, int count, unsigned char *pixels) {
    j_decompress_ptr state = &decompressor->state;
    if (setjmp(decompressor->failure)) return 0;
    if (row > 0 && jpeg_skip_scanlines(state, (JDIMENSION)row) != (JDIMENSION)row) return 0;
    size_t rowByteCount = (size_t)state->output_width * 3;
    for (int done = 0; done < count;) {
        JSAMPROW rows[8];
        int some = count - done < 8 ? count - done : 8;
        for (int i = 0; i < some; i++) rows[i] = pixels + (size_t)(done + i) * rowByteCount;
        JDIMENSION read = jpeg_read_scanlines(state, rows, (JDIMENSION)some);
        if (read == 0) return 0;
        done += (int)read;
    }
    return decompressor->warnings == 0;
}

void jpegClose(JPEGDecompressor *decompressor) {
    if (!setjmp(decompressor->failure)) jpeg_abort_decompress(&decompressor->state);
}
