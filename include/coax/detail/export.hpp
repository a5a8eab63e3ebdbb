/// @file
/// What coax's shared libraries export; everything else in them is hidden.
#pragma once

/// Marks what is exported: the same when the library is made and when it is used. In lib/, also the few private names
/// that the test kit needs.
#if defined(__GNUC__)
#define COAX_EXPORT __attribute__((visibility("default")))
#else
#define COAX_EXPORT
#endif
