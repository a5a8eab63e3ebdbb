#include "redis/redis_names.hpp"

#include <stdexcept>

namespace coax::detail {
namespace {

void append_literal(std::string& glob, std::string_view text) {
  for (const char c : text) {
    if (std::string_view("*?[]\\^").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
}

}  // namespace

redis_names::redis_names(std::string prefix) : prefix_(std::move(prefix)), channel_(prefix_ + "topic:{:") {
  if (prefix_.find_first_of("{}") != prefix_.npos)
    throw std::invalid_argument("redis_broker: a prefix has no braces: " + prefix_);
}

std::string redis_names::of(std::string_view kind, std::string_view topic) const {
  std::string name;
  name.reserve(prefix_.size() + kind.size() + topic.size() + 3);
  name.append(prefix_).append(kind).append("{:").append(topic) += '}';
  return name;
}

std::string redis_names::sent(std::string_view topic, std::string_view node) const {
  return of(std::string("sent:").append(node) += ':', topic);
}

// With the size of the topic, so that no other topic and key make the same name.
std::string redis_names::once(std::string_view topic, std::string_view key) const {
  return of("once:" + std::to_string(topic.size()) + ":", topic).append(":").append(key);
}

std::optional<std::string_view> redis_names::topic_of(std::string_view channel) const noexcept {
  if (!channel.starts_with(channel_) || channel.size() == channel_.size() || channel.back() != '}') return std::nullopt;
  channel.remove_prefix(channel_.size());
  channel.remove_suffix(1);
  return channel;
}

// A star of Redis matches any number of levels: who is told compares again. "a/#" matches "a" as well.
std::string redis_names::pattern(std::string_view filter) const {
  std::string glob;
  append_literal(glob, channel_);
  for (bool first = true, more = true; more; first = false) {
    const auto end = filter.find('/');
    const auto level = filter.substr(0, end);
    more = end != filter.npos;
    if (more) filter.remove_prefix(end + 1);
    if (level == "#") {
      glob += '*';
      break;
    }
    if (!first) glob += '/';
    if (level == "+") {
      glob += '*';
    } else {
      append_literal(glob, level);
    }
  }
  return glob += '}';
}

}  // namespace coax::detail
