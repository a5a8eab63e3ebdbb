/// A Lua script and the name that Redis gives it.
#pragma once

#include <memory>
#include <string>

namespace coax::redis {

/// Immutable; copies share the text.
class script {
 public:
  explicit script(std::string source);

  const std::string& source() const noexcept { return text_->source; }
  /// 40 hexadecimal digits.
  const std::string& sha1() const noexcept { return text_->sha1; }

 private:
  struct text {
    std::string source;
    std::string sha1;
  };

  std::shared_ptr<const text> text_;
};

}  // namespace coax::redis
