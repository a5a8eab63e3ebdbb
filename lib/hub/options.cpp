#include "protocol/close_frame.hpp"
#include "protocol/event_block.hpp"
#include "protocol/utf8.hpp"
#include <coax/drain_options.hpp>
#include <coax/peer.hpp>
#include <coax/publish_options.hpp>

#include <stdexcept>
#include <vector>

namespace coax {
namespace {

void check_text(std::string_view text, const char* what) {
  if (!protocol::is_valid_utf8(text)) throw std::invalid_argument(std::string("coax: ") + what + " is not valid UTF-8");
}

}  // namespace

queue_limits& queue_limits::close_status(status code) {
  protocol::check_close({code, {}});
  close_status_ = code;
  return *this;
}

drain_options& drain_options::close_status(status code) {
  protocol::check_close({code, {}});
  close_status_ = code;
  return *this;
}

publish_options& publish_options::except(const peer& p) {
  except_ = p.core_;
  return *this;
}

publish_options& publish_options::event_type(std::string type) {
  check_text(type, "publish_options::event_type");
  if (!protocol::fits_on_line(type))
    throw std::invalid_argument("coax: publish_options::event_type: CR, LF or NUL in it");
  event_type_ = std::move(type);
  return *this;
}

peer_options& peer_options::user(std::string name) {
  check_text(name, "peer_options::user");
  user_ = std::move(name);
  return *this;
}

peer_options& peer_options::data(std::string d) {
  check_text(d, "peer_options::data");
  data_ = std::move(d);
  return *this;
}

peer_options& peer_options::labels(std::vector<std::string> names) {
  for (const auto& name : names) check_text(name, "peer_options::labels");
  labels_ = std::move(names);
  return *this;
}

}  // namespace coax
