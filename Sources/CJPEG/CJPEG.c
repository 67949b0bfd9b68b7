#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#ifdef LIBJPEG_TURBO_VERSION
#define TEXT_OF(tokens) #tokens
#define EXPANDED(macro) TEXT_OF(macro)
const char *jpegVersion(void) { return EXPANDED(LIBJPEG_TURBO_VERSION); }
#else
const char *jpegVersion(void) { return "not libjpeg-turbo"; }
#endif

struct JPEGDecompressor {
    struct jpeg_decompress_struct state;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failure;
    /// Whether the header has been read, so that extra bytes before a marker follow coded
    /// coefficients.
    int isPastHeader;
    /// Whether the file ends without its end marker (EOI).
    int lacksEnd;
    /// Whether bytes lie between a scan's last code and the next marker.
    int hasLeftover;
    char problem[JMSG_LENGTH_MAX];
};

static JPEGDecompressor *owner(j_common_ptr state) { return state->client_data; }

static void fail(j_common_ptr state) {
    state->err->format_message(state, owner(state)->problem);
    longjmp(owner(state)->failure, 1);
}

static void failSaying(JPEGDecompressor *decompressor, const char *problem) {
    strncpy(decompressor->problem, problem, JMSG_LENGTH_MAX - 1);
    longjmp(decompressor->failure, 1);
}

static void noteLeftover(j_common_ptr state, int marker) {
    JPEGDecompressor *decompressor = owner(state);
    if (!decompressor->isPastHeader) return;
    // Extra bytes before a restart marker mean that other codes were decoded in its interval than
    // were written.
    if (marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7) fail(state);
    decompressor->hasLeftover = 1;
}

/// Judges a warning or a trace message: returns if every coefficient is still read, and fails at
/// once if not.
static void note(j_common_ptr state, int level) {
    JPEGDecompressor *decompressor = owner(state);
    const int *parameters = state->err->msg_parm.i;
    switch (state->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA: noteLeftover(state, parameters[1]); return;
    case JWRN_JPEG_EOF: decompressor->lacksEnd = 1; return;
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL: return;
    case JWRN_MUST_RESYNC:
        // The library reports its recovery action next, as a trace message.
        state->err->format_message(state, decompressor->problem);
        return;
    case JTRC_RECOVERY_ACTION:
        // Action 1 treats the marker as misnumbered and continues from the current position; the
        // others skip or invent data.
        if (parameters[1] != 1) longjmp(decompressor->failure, 1);
        decompressor->problem[0] = 0;
        return;
    case JWRN_BOGUS_PROGRESSION:
        // The DC coefficients may come after the others.
        if (decompressor->state.Ss != 0 && parameters[1] == 0) return;
        fail(state);
        return;
    case JWRN_HIT_MARKER:
        if (decompressor->lacksEnd) failSaying(decompressor, "Premature end of JPEG file");
        fail(state);
        return;
    default:
        if (level < 0) fail(state);
    }
}

static void print(j_common_ptr state) { (void)state; }

/// Bounds the work on a file with many scans of almost no content.
static void countScans(j_common_ptr state) {
    enum { limit = 500 };
    JPEGDecompressor *decompressor = owner(state);
    if (decompressor->state.input_scan_number > limit) failSaying(decompressor, "it has more than 500 scans");
}

JPEGDecompressor *jpegCreate(void) {
    JPEGDecompressor *decompressor = calloc(1, sizeof *decompressor);
    if (!decompressor) return NULL;
    decompressor->state.err = jpeg_std_error(&decompressor->errors);
    decompressor->errors.error_exit = fail;
    decompressor->errors.emit_message = note;
    decompressor->errors.output_message = print;
    decompressor->progress.progress_monitor = countScans;
    decompressor->state.client_data = decompressor;
    if (setjmp(decompressor->failure)) {
        free(decompressor);
        return NULL;
    }
    jpeg_create_decompress(&decompressor->state);
    decompressor->state.progress = &decompressor->progress;
    return decompressor;
}

void jpegDestroy(JPEGDecompressor *decompressor) {
    if (!decompressor) return;
    if (!setjmp(decompressor->failure)) jpeg_destroy_decompress(&decompressor->state);
    free(decompressor);
}

/// Whether a file of `byteCount` bytes can have one bit for each block, the minimum of a Huffman
/// code; checked before memory is allocated for its pixels.
static int canBeWhole(j_decompress_ptr state, size_t byteCount) {
    size_t blocks = 0;
    for (int i = 0; i < state->num_components; i++)
        blocks += (size_t)state->comp_info[i].width_in_blocks * state->comp_info[i].height_in_blocks;
    return state->arith_code || blocks / 8 <= byteCount;
}

int jpegOpen(JPEGDecompressor *decompressor, const unsigned char *file, size_t byteCount, JPEGHeader *header) {
    j_decompress_ptr state = &decompressor->state;
    decompressor->isPastHeader = decompressor->lacksEnd = decompressor->hasLeftover = 0;
    decompressor->problem[0] = 0;
    if (setjmp(decompressor->failure)) return 0;
    jpeg_mem_src(state, file, byteCount);
    jpeg_read_header(state, TRUE);
    decompressor->isPastHeader = 1;
    header->isCMYK = state->jpeg_color_space == JCS_CMYK || state->jpeg_color_space == JCS_YCCK;
    state->out_color_space = header->isCMYK ? JCS_CMYK : JCS_RGB;
    state->dct_method = JDCT_ISLOW;
    header->width = (int)state->image_width;
    header->height = (int)state->image_height;
    header->canBeWhole = canBeWhole(state, byteCount);
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
    // Smooth upsampling reads the neighbours of a pixel: those of the first and last columns must
    // be decoded, too.
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

/// Whether the scans contain every component, and, if `toLastBit`, each of its coefficients to the
/// last bit.
static int isComplete(j_decompress_ptr state, int toLastBit) {
    for (int i = 0; i < state->num_components; i++) {
        // Latched when a component's first scan begins.
        if (!state->comp_info[i].quant_table) return 0;
        if (!state->coef_bits) continue;
        if (state->coef_bits[i][0] < 0) return 0;
        for (int k = 0; toLastBit && k < DCTSIZE2; k++)
            if (state->coef_bits[i][k] != 0) return 0;
    }
    return 1;
}

/// Reads from the last row to the file's end, and fails unless every coefficient is there.
static void finish(JPEGDecompressor *decompressor) {
    j_decompress_ptr state = &decompressor->state;
    while (!jpeg_input_complete(state)) jpeg_consume_input(state);
    // A progressive file may omit the finest bits (ITU-T T.81 does not require all), but only if it
    // ends properly.
    if (!isComplete(state, jpegIsDoubtful(decompressor))) failSaying(decompressor, "Premature end of JPEG file");
    // For arithmetic coding the library invents the missing end without a warning.
    if (decompressor->lacksEnd && state->arith_code) failSaying(decompressor, "Premature end of JPEG file");
}

int jpegRows(JPEGDecompressor *decompressor, int row, int count, unsigned char *pixels) {
    j_decompress_ptr state = &decompressor->state;
    if (setjmp(decompressor->failure)) return 0;
    if (row > 0 && jpeg_skip_scanlines(state, (JDIMENSION)row) != (JDIMENSION)row) return 0;
    size_t rowByteCount = (size_t)state->output_width * (size_t)state->output_components;
    for (int done = 0; done < count;) {
        JSAMPROW rows[8];
        int some = count - done < 8 ? count - done : 8;
        for (int i = 0; i < some; i++) rows[i] = pixels + (size_t)(done + i) * rowByteCount;
        JDIMENSION read = jpeg_read_scanlines(state, rows, (JDIMENSION)some);
        if (read == 0) return 0;
        done += (int)read;
    }
    if (state->output_scanline == state->output_height) finish(decompressor);
    return 1;
}

int jpegIsDoubtful(const JPEGDecompressor *decompressor) {
    return decompressor->hasLeftover || decompressor->lacksEnd;
}

const char *jpegProblem(const JPEGDecompressor *decompressor) { return decompressor->problem; }

void jpegClose(JPEGDecompressor *decompressor) {
    if (!setjmp(decompressor->failure)) jpeg_abort_decompress(&decompressor->state);
}
