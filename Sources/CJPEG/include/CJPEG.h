#pragma once

#include <stddef.h>

/// A decompressor of libjpeg that decodes a part of a picture, used again and again by one thread at a time.
///
/// In C because libjpeg reports errors by `longjmp`, which must not pass through Swift.
typedef struct JPEGDecompressor JPEGDecompressor;

/// The part of a picture that was decoded: more columns than asked for, since whole blocks are.
typedef struct {
    /// The first decoded column.
    int column;
    /// Decoded columns; a row of pixels takes three times as many bytes.
    int width;
} JPEGColumns;

/// A new decompressor, or null where there is no memory.
JPEGDecompressor *jpegCreate(void);

/// Frees what `jpegCreate` made.
void jpegDestroy(JPEGDecompressor *decompressor);

/// Reads the header of a file, whose bytes must stay where they are until `jpegClose`.
///
/// Returns 1 where `jpegDecode` can decode it; 0 for damage and for colours of print.
int jpegOpen(JPEGDecompressor *decompressor, const unsigned char *file, size_t byteCount, int *width, int *height);

/// Sets the size of the decoded picture to `eighths` / 8 of the file's, each side rounded up, and chooses smooth or plain upsampling of colours.
void jpegScale(JPEGDecompressor *decompressor, int eighths, int smooth, int *width, int *height);

/// The columns that will be decoded where `width` columns from `column` on are asked for; 0 for a damaged file.
int jpegStart(JPEGDecompressor *decompressor, int column, int width, JPEGColumns *columns);

/// Decodes `count` rows from `row` on as red, green, blue; after `jpegStart`.
///
/// Returns 1 if all went well, 0 for damage, a warning included. What comes after the rows is not looked at.
int jpegRows(JPEGDecompressor *decompressor, int row, int count, unsigned char *pixels);

/// Ends work on the file.
void jpegClose(JPEGDecompressor *decompressor);
