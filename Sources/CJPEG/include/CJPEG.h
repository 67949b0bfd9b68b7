#pragma once

#include <stddef.h>

/// A decompressor of libjpeg that decodes a picture or a part of it, used again and again by one thread at a time.
///
/// In C because libjpeg reports errors by `longjmp`, which must not pass through Swift.
///
/// All of the library's warnings are judged, each as it comes. A file is whole where every coefficient is read: bytes between the header's
/// segments, an unknown version, a misnumbered restart marker and a missing end mark are harmless. Whatever makes up or passes over
/// coefficients is damage, and nothing is decoded after it.
typedef struct JPEGDecompressor JPEGDecompressor;

/// What a file says it holds.
typedef struct {
    int width;
    int height;
    /// Whether its pixels have four channels, the colours of print, instead of red, green, blue.
    int isCMYK;
    /// Whether the file has enough bytes for that many blocks.
    int canBeWhole;
} JPEGHeader;

/// The part of a picture that was decoded: more columns than asked for, since whole blocks are.
typedef struct {
    /// The first decoded column.
    int column;
    /// Decoded columns; a row takes as many bytes for each channel.
    int width;
} JPEGColumns;

/// A new decompressor, or null where there is no memory.
JPEGDecompressor *jpegCreate(void);

/// Frees what `jpegCreate` made.
void jpegDestroy(JPEGDecompressor *decompressor);

/// Reads the header of a file, whose bytes must stay where they are until `jpegClose`; 0 for damage.
int jpegOpen(JPEGDecompressor *decompressor, const unsigned char *file, size_t byteCount, JPEGHeader *header);

/// Sets the size of the decoded picture to `eighths` / 8 of the file's, each side rounded up, and chooses smooth or plain upsampling of colours.
void jpegScale(JPEGDecompressor *decompressor, int eighths, int smooth, int *width, int *height);

/// The columns that will be decoded where `width` columns from `column` on are asked for; 0 for a damaged file.
int jpegStart(JPEGDecompressor *decompressor, int column, int width, JPEGColumns *columns);

/// Decodes `count` rows from `row` on as red, green, blue (or the four colours of print); after `jpegStart`.
///
/// Returns 1 if all went well, 0 for damage. What comes after the rows is not looked at; if they are the last ones, the file is read to its end, and all
/// coefficients must be there.
int jpegRows(JPEGDecompressor *decompressor, int row, int count, unsigned char *pixels);

/// Whether bytes lie between the last code of a scan and the next marker, as far as the file was read, or its end mark is missing: junk and
/// a lost byte or two, or codes that were damaged and by chance have a meaning.
int jpegIsDoubtful(const JPEGDecompressor *decompressor);

/// What is wrong, after a function returned 0; empty if nothing is known.
const char *jpegProblem(const JPEGDecompressor *decompressor);

/// Ends work on the file.
void jpegClose(JPEGDecompressor *decompressor);
