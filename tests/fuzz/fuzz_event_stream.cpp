// A stream of events is read as a plain reading of WHATWG HTML, section 9.2.6, does, however it is cut; and what is
// read, written again, is read the same.
#include "fuzz/require.hpp"
#include "protocol/event_block.hpp"
#include "protocol/event_parser.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace coax::protocol;

namespace {

struct heard {
  std::string data, type, id;
  bool operator==(const heard&) const = default;
};

struct outcome {
  std::vector<heard> events;
  std::string last_id;
  std::string retry = "none";
  bool operator==(const outcome&) const = default;
};

// The whole stream as a text, line by line, with the names of the standard.
class by_the_book {
 public:
  static outcome read(std::string stream) {
    by_the_book b;
    if (stream.starts_with("\xef\xbb\xbf")) stream.erase(0, 3);
    while (!stream.empty()) {
      const auto end = stream.find_first_of("\r\n");
      // "Once the end of the file is reached, any pending data must be discarded."
      if (end == stream.npos) break;
      b.process_line(stream.substr(0, end));
      stream.erase(0, end + (stream.compare(end, 2, "\r\n") == 0 ? 2 : 1));
    }
    return b.told_;
  }

 private:
  void process_line(const std::string& line) {
    if (line.empty()) return dispatch();
    const auto colon = line.find(':');
    if (colon == 0) return;
    if (colon == line.npos) return process_field(line, "");
    auto value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    process_field(line.substr(0, colon), value);
  }

  void process_field(const std::string& name, const std::string& value) {
    if (name == "event") {
      event_type_buffer_ = value;
    } else if (name == "data") {
      data_buffer_ += value;
      data_buffer_ += '\n';
    } else if (name == "id") {
      if (value.find('\0') == value.npos) last_event_id_buffer_ = value;
    } else if (name == "retry") {
      if (value.empty() || value.find_first_not_of("0123456789") != value.npos) return;
      auto digits = value.substr(std::min(value.find_first_not_of('0'), value.size() - 1));
      const std::string most = "9223372036854775807";
      if (digits.size() > most.size() || (digits.size() == most.size() && digits > most)) digits = most;
      told_.retry = digits;
    }
  }

  void dispatch() {
    told_.last_id = last_event_id_buffer_;
    if (!data_buffer_.empty()) {
      data_buffer_.pop_back();
      told_.events.push_back(
          {data_buffer_, event_type_buffer_.empty() ? "message" : event_type_buffer_, told_.last_id});
    }
    data_buffer_.clear();
    event_type_buffer_.clear();
  }

  std::string data_buffer_, event_type_buffer_, last_event_id_buffer_;
  outcome told_;
};

outcome ours(std::string_view stream, std::size_t piece) {
  event_parser p;
  outcome told;
  while (!stream.empty()) {
    auto input = stream.substr(0, piece);
    stream.remove_prefix(input.size());
    while (!input.empty()) {
      if (p.feed(input) != event_parser::verdict::event) break;
      const auto e = p.take();
      told.events.push_back({std::string(e.data()), e.type(), std::string(e.id())});
    }
  }
  told.last_id = p.last_event_id();
  if (p.reconnection_time()) told.retry = std::to_string(p.reconnection_time()->count());
  return told;
}

std::string written(std::string_view stream) {
  event_parser p;
  std::string out;
  while (!stream.empty() && p.feed(stream) == event_parser::verdict::event) append_event(out, p.take());
  return out;
}

void stays_within_limits(std::string_view stream, std::size_t most) {
  event_parser::limits l;
  l.line = l.event = most;
  event_parser p(l);
  while (!stream.empty()) {
    const auto before = stream.size();
    const auto v = p.feed(stream);
    if (v == event_parser::verdict::too_long) return;
    coax::require(stream.size() < before, "it goes on");
    if (v == event_parser::verdict::event) coax::require(p.take().data().size() <= most, "the limit holds");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto expected = by_the_book::read(stream);
  coax::require(ours(stream, stream.size() + 1) == expected, "it is read by the book");
  coax::require(ours(stream, 1) == expected, "byte by byte it is the same");
  coax::require(ours(stream, 2 + data[0] % 40) == expected, "and in pieces");
  coax::require(ours(written(stream), 7).events == expected.events, "what is read can be written and read again");
  stays_within_limits(stream, data[0]);
  return 0;
}
