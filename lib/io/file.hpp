/// Reading files below a folder that none of them may lead out of.
#pragma once

#include <coax/error.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

namespace coax::detail {

/// A regular file, open for reading.
class file {
 public:
  /// Takes over `handle`. The code is that of the system, or `not_supported` for what is no regular file.
  static result<file> adopt(std::FILE* handle);

  std::uint64_t size() const noexcept { return size_; }
  std::chrono::nanoseconds modified() const noexcept { return modified_; }  ///< Since 1970.

  error_code seek(std::uint64_t offset) noexcept;
  /// Reads up to `to.size()` bytes, blocking; fewer at the end.
  std::size_t read(std::span<std::byte> to) noexcept;

 private:
  struct closer {
    void operator()(std::FILE* f) const noexcept { std::fclose(f); }
  };

  std::unique_ptr<std::FILE, closer> handle_;
  std::uint64_t size_ = 0;
  std::chrono::nanoseconds modified_{0};
};

/// Opens `relative` below `root`: no "..", no absolute path, and no symbolic link leads to anything outside of it.
/// `is_a_directory` for a folder.
result<file> open_beneath(const std::string& root, const std::string& relative);

}  // namespace coax::detail
