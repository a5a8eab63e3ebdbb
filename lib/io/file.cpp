#include "io/file.hpp"

#include <algorithm>
#include <system_error>

namespace coax::detail {

result<std::filesystem::path> resolve_beneath(const std::string& root, const std::string& relative) {
  namespace fs = std::filesystem;
  namespace sys = boost::system::errc;
  const auto no_file = sys::make_error_code(sys::no_such_file_or_directory);
  std::error_code ec;
  const auto base = fs::canonical(root, ec);
  if (ec) return no_file;
  auto path = fs::canonical(base / relative, ec);
  if (ec) return no_file;
  if (std::mismatch(base.begin(), base.end(), path.begin(), path.end()).first != base.end()) return no_file;
  if (fs::is_directory(path, ec)) return sys::make_error_code(sys::is_a_directory);
  // Opening anything else could block, as a pipe does.
  if (!fs::is_regular_file(path, ec)) return sys::make_error_code(sys::not_supported);
  return path;
}

}  // namespace coax::detail
