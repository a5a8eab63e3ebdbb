/// A place for the files of a test.
#pragma once

#include <filesystem>
#include <string>

namespace coax::test {

/// A directory of its own, removed at the end.
class temporary_directory {
 public:
  temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory();
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Writes a file into it; its path.
  std::string write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace coax::test
