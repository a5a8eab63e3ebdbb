#include "support/temporary_directory.hpp"

#include <stdlib.h>

#include <fstream>
#include <stdexcept>

namespace coax::test {

temporary_directory::temporary_directory() {
  auto pattern = (std::filesystem::temp_directory_path() / "coax-test-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary directory");
  path_ = pattern;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string temporary_directory::write(const std::string& name, const std::string& content) const {
  const auto path = path_ / name;
  std::ofstream(path, std::ios::binary) << content;
  return path.string();
}

}  // namespace coax::test
