/// @file
/// What coax's shared libraries export; everything else in them is hidden.
#pragma once

#if defined(__GNUC__)
#define COAX_EXPORT __attribute__((visibility("default")))
#else
#define COAX_EXPORT
#endif
