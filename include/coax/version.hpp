/// @file
/// Which version of coax a program is compiled with.
#pragma once

/// Until 1.0 a new minor version may break programs, a patch does not; the library's SONAME has both numbers.
#define COAX_VERSION_MAJOR 0
/// See `COAX_VERSION_MAJOR`.
#define COAX_VERSION_MINOR 1
/// See `COAX_VERSION_MAJOR`.
#define COAX_VERSION_PATCH 0

/// One number to compare: 10203 for 1.2.3.
#define COAX_VERSION (COAX_VERSION_MAJOR * 10000 + COAX_VERSION_MINOR * 100 + COAX_VERSION_PATCH)

/// The same as text.
#define COAX_VERSION_STRING "0.1.0"
