/// Reading files below a folder that none of them may lead out of.
#pragma once

#include <coax/error.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace coax::detail {

/// A regular file, open for reading. file_linux.cpp and file_plain.cpp have one each.
class file {
 public:
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  virtual ~file() = default;

  std::uint64_t size() const noexcept { return size_; }
  std::chrono::nanoseconds modified() const noexcept { return modified_; }  ///< Since 1970.

  virtual error_code seek(std::uint64_t offset) noexcept = 0;
  /// Reads up to `to.size()` bytes, blocking; fewer at the end, or when reading fails.
  virtual std::size_t read(std::span<std::byte> to) noexcept = 0;

 protected:
  file(std::uint64_t size, std::chrono::nanoseconds modified) noexcept : size_(size), modified_(modified) {}

 private:
  std::uint64_t size_;
  std::chrono::nanoseconds modified_;
};

/// Opens `relative` below `root`: no "..", no absolute path, and no symbolic link leads to anything outside of it.
/// `is_a_directory` for a folder, `not_supported` for what is no regular file either.
result<std::unique_ptr<file>> open_beneath(const std::string& root, const std::string& relative);

/// The same without opening: resolves every link first and looks where it leads. What is changed between the look and
/// the opening is trusted; Linux does better.
result<std::filesystem::path> resolve_beneath(const std::string& root, const std::string& relative);

}  // namespace coax::detail
