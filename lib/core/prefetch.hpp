/// Memory that will be needed soon.
#pragma once

#include <cstddef>

namespace coax::detail {

/// Asks for the memory of an object, which must be there, before it is needed. A hint, for objects that are visited in
/// a row, too many to be in the processor's caches.
template <class T>
void prefetch([[maybe_unused]] const T& object) noexcept {
#ifdef __GNUC__
  constexpr std::size_t line = 64;
  const auto* const begin = reinterpret_cast<const char*>(&object);
  for (std::size_t at = 0; at < sizeof(T); at += line) __builtin_prefetch(begin + at);
#endif
}

}  // namespace coax::detail
