/// What has been thrown, for a log.
#pragma once

#include <exception>
#include <string>

namespace coax::detail {

inline std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace coax::detail
