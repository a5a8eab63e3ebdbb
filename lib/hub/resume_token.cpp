#include "hub/resume_token.hpp"

#include "core/byte_order.hpp"
#include "protocol/base64.hpp"

#include <algorithm>

namespace coax {

std::string_view to_string(resume_refusal why) noexcept {
  switch (why) {
    case resume_refusal::malformed: return "malformed";
    case resume_refusal::forged: return "forged";
    case resume_refusal::expired: return "expired";
    case resume_refusal::foreign: return "foreign";
    case resume_refusal::none: break;
  }
  return "none";
}

namespace detail {
namespace {

// What is signed: a version, the expiry, the origins and their number, the user, and to the end of it places. Numbers
// have the most significant byte first; texts have their size before them, in two bytes.
constexpr char version = 1;
constexpr std::string_view purpose = "resume";
constexpr std::size_t most_origins = 4;
constexpr std::size_t number_size = 8, size_size = 2;

void append_text(std::string& to, std::string_view text) {
  append_number(to, text.size(), size_size);
  to += text;
}

/// Takes off the front what was appended; `sound` no more once there is too little.
class payload_reader {
 public:
  explicit payload_reader(std::string_view bytes) noexcept : rest_(bytes) {}

  bool sound() const noexcept { return sound_; }
  bool at_end() const noexcept { return !sound_ || rest_.empty(); }
  std::uint64_t number(std::size_t bytes = number_size) noexcept { return read_number(take(bytes)); }
  std::string_view text() noexcept { return take(static_cast<std::size_t>(number(size_size))); }
  std::string_view rest() noexcept { return take(rest_.size()); }

 private:
  std::string_view take(std::size_t n) noexcept {
    sound_ = sound_ && n <= rest_.size();
    const auto taken = rest_.substr(0, sound_ ? n : 0);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  bool sound_ = true;
};

constexpr std::size_t characters(std::size_t bytes) noexcept { return (bytes * 4 + 2) / 3; }

bool parse(std::string_view payload, resume_claim& out) {
  payload_reader r(payload);
  if (r.number(1) != static_cast<unsigned char>(version)) return false;
  out.expires = static_cast<std::int64_t>(r.number());
  const auto origins = r.number(1);
  if (origins > most_origins) return false;
  for (std::uint64_t i = 0; i != origins; ++i) {
    const auto node = r.number(), peer = r.number();
    out.origins.push_back({node, peer});
  }
  out.user = r.text();
  while (!r.at_end()) {
    std::string topic(r.text()), epoch(r.text());
    const auto offset = r.number(), tag = r.number();
    if (!r.sound() || epoch.empty() || epoch.size() > position::max_epoch) return false;
    out.places.push_back({std::move(topic), position(std::move(epoch), offset, tag)});
  }
  return r.sound();
}

// Marks of other topics, or of places before, say nothing; so does what is none.
void move_on(std::string_view mark, resume_claim& claim) {
  const auto bytes = protocol::from_base64url(mark);
  if (!bytes) return;
  payload_reader r(*bytes);
  const auto offset = r.number(), tag = r.number();
  const auto topic = r.rest();
  for (auto& p : claim.places)
    if (r.sound() && p.topic == topic && p.at.offset() < offset) p.at = position(p.at.epoch(), offset, tag);
}

}  // namespace

resume_token sign(const resume_claim& claim, const resume_options& options) {
  std::string payload(1, version);
  append_number(payload, static_cast<std::uint64_t>(claim.expires));
  const auto origins = std::min(claim.origins.size(), most_origins);
  append_number(payload, origins, 1);
  for (const auto& o : std::span(claim.origins).first(origins)) {
    append_number(payload, o.node);
    append_number(payload, o.peer);
  }
  append_text(payload, claim.user);
  resume_token made;
  std::size_t marks = 0;
  for (const auto& p : claim.places) {
    const auto size = 2 * size_size + p.topic.size() + p.at.epoch().size() + 2 * number_size;
    const auto mark = 1 + characters(2 * number_size + p.topic.size());
    if (characters(signing_keys::overhead + payload.size() + size) + marks + mark > options.max_size()) continue;
    marks += mark;
    append_text(payload, p.topic);
    append_text(payload, p.at.epoch());
    append_number(payload, p.at.offset());
    append_number(payload, p.at.tag());
    made.topics.push_back(p.topic);
  }
  made.text = options.keys().sign(purpose, payload);
  return made;
}

std::string mark_of(std::string_view topic, std::uint64_t offset, std::uint64_t tag) {
  std::string bytes;
  bytes.reserve(2 * number_size + topic.size());
  append_number(bytes, offset);
  append_number(bytes, tag);
  bytes += topic;
  return protocol::base64url(bytes);
}

resume_refusal read_resume(std::string_view text, const signing_keys& keys, std::string_view user, std::int64_t now,
                           resume_claim& out) {
  if (text.size() > resume_options::longest) return resume_refusal::malformed;
  const auto end = std::min(text.find('.'), text.size());
  const auto token = text.substr(0, end);
  const auto bytes = protocol::from_base64url(token);
  if (!bytes || bytes->size() < signing_keys::overhead) return resume_refusal::malformed;
  const auto payload = keys.verify(purpose, token);
  if (!payload) return resume_refusal::forged;
  resume_claim claim;
  if (!parse(*payload, claim)) return resume_refusal::malformed;
  if (claim.user != user) return resume_refusal::foreign;
  if (claim.expires <= now) return resume_refusal::expired;
  for (std::size_t at = end; at < text.size();) {
    const auto next = std::min(text.find('.', at + 1), text.size());
    move_on(text.substr(at + 1, next - at - 1), claim);
    at = next;
  }
  out = std::move(claim);
  return resume_refusal::none;
}

}  // namespace detail
}  // namespace coax
