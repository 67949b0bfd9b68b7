#pragma once

#include <stddef.h>

/// A libjpeg decompressor that decodes an image or a part of it. It can be reused, by one thread at
/// a time.
///
/// It is written in C because libjpeg reports errors by `longjmp`, which must not cross Swift
/// frames.
///
/// Each warning of the library is judged when it occurs. A file is intact if every coefficient is
/// read: bytes between the header's segments, an unknown version, a misnumbered restart marker and
/// a missing end marker are harmless. Anything that makes the library invent or skip coefficients
/// is damage, and nothing is decoded after it.
typedef struct JPEGDecompressor JPEGDecompressor;

/// The content of a file according to its header.
typedef struct {
    int width;
    int height;
    /// Whether its pixels are CMYK, four channels, instead of RGB.
    int isCMYK;
    /// Whether the file has enough bytes for its number of blocks.
    int canBeWhole;
} JPEGHeader;

/// The decoded columns of an image: more than requested, since whole blocks are decoded.
typedef struct {
    /// The first decoded column.
    int column;
    /// The number of decoded columns; a row has this many bytes per channel.
    int width;
} JPEGColumns;

/// The version of libjpeg-turbo whose headers this was compiled with; the library does not tell its
/// own.
const char *jpegVersion(void);

/// A new decompressor, or null if memory is exhausted.
JPEGDecompressor *jpegCreate(void);

/// Frees a decompressor of `jpegCreate`; null is ignored.
void jpegDestroy(JPEGDecompressor *decompressor);

/// Reads the header of a file, whose bytes must stay in place until `jpegClose`; returns 0 for a
/// damaged file.
int jpegOpen(JPEGDecompressor *decompressor, const unsigned char *file, size_t byteCount, JPEGHeader *header);

/// Sets the size of the decoded image to `eighths` / 8 of the file's, each side rounded up, and
/// chooses smooth or plain upsampling of the colour channels.
void jpegScale(JPEGDecompressor *decompressor, int eighths, int smooth, int *width, int *height);

/// Starts decoding, and sets `columns` to those that are decoded if `width` columns from `column`
/// on are requested; returns 0 for a damaged file.
int jpegStart(JPEGDecompressor *decompressor, int column, int width, JPEGColumns *columns);

/// Decodes `count` rows from `row` on as RGB (or CMYK); called after `jpegStart`.
///
/// Returns 1 on success, 0 for damage. Data after the rows are not read; if the rows are the last
/// ones, the file is read to its end, and all coefficients must be there.
int jpegRows(JPEGDecompressor *decompressor, int row, int count, unsigned char *pixels);

/// Whether, as far as the file was read, bytes lie between the last code of a scan and the next
/// marker, or the end marker is missing. The cause is junk or a lost byte or two, or damaged codes
/// that are valid by chance.
int jpegIsDoubtful(const JPEGDecompressor *decompressor);

/// The error after a function returned 0; empty if it is unknown.
const char *jpegProblem(const JPEGDecompressor *decompressor);

/// Ends work on the file.
void jpegClose(JPEGDecompressor *decompressor);
