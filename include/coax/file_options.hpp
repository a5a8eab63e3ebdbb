/// @file
/// How `server::files` serves a folder.
#pragma once

#include <coax/headers.hpp>

#include <map>
#include <string>
#include <string_view>

namespace coax {

/// Options of `server::files`.
class file_options {
 public:
  file_options() = default;

  /// `Cache-Control` of every file; none by default, so that browsers revalidate with the ETag.
  file_options& cache_control(std::string_view value) { return fields_.set("Cache-Control", value), *this; }
  /// A further header field of every file. @throws std::invalid_argument see `headers::add`.
  file_options& header(std::string_view name, std::string_view value) { return fields_.add(name, value), *this; }
  /// The file that stands for a folder, default "index.html"; empty: none.
  file_options& index(std::string name) { return index_ = std::move(name), *this; }
  /// The content type of files with that extension (".wasm"), instead of the built-in one.
  file_options& content_type(std::string extension, std::string type) {
    return types_[std::move(extension)] = std::move(type), *this;
  }

  /// @name As set
  /// @{

  /// What has been set, or else the default.
  const coax::headers& headers() const noexcept { return fields_; }
  const std::string& index() const noexcept { return index_; }
  const std::map<std::string, std::string, std::less<>>& content_types() const noexcept { return types_; }
  /// @}

 private:
  coax::headers fields_;
  std::string index_ = "index.html";
  std::map<std::string, std::string, std::less<>> types_;
};

}  // namespace coax
