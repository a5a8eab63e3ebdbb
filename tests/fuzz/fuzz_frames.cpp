// What one end serialises is what the other one parses: messages in any number of fragments, compressed or not, with
// control frames between; whole and in pieces.
//
// Input: a byte of options, a byte that seeds the sizes of the pieces, then for each frame a byte of what it is, one of
// its length, and its payload.
#include "fuzz/require.hpp"
#include "protocol/deflater.hpp"
#include "protocol/transcript.hpp"

#include <cstdint>
#include <optional>
#include <random>

using namespace coax::protocol;

namespace {

class sending_end {
 public:
  sending_end(role self, std::optional<deflater> compress) : self_(self), deflater_(std::move(compress)) {}

  // `what`: the kind in two bits, then whether a message ends, whether it is compressed, and how long a frame is.
  void frame(std::uint8_t what, std::span<const std::byte> payload) {
    if ((what & 3) >= 2) {
      const auto op = what & 1 ? opcode::pong : opcode::ping;
      append_frame(wire_, self_, {op}, payload.first(std::min<std::size_t>(payload.size(), 125)));
      lines_.push_back((what & 1 ? "pong " : "ping ") +
                       text_of(payload.first(std::min<std::size_t>(payload.size(), 125))));
    } else {
      const bool end = what & 4;
      fragment(what, end, what & 16 ? repeated(payload) : text_of(payload));
    }
  }

  wire bytes() const { return wire(wire_.data(), wire_.data() + wire_.size()); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  // Longer than a byte can tell: the lengths of two and of eight bytes.
  static std::string repeated(std::span<const std::byte> payload) {
    std::string all;
    for (int i = 0; i < 300; ++i) all += text_of(payload);
    return all;
  }

  void fragment(std::uint8_t what, bool end, std::string payload) {
    frame_kind kind{opcode::continuation, end};
    if (!begun_) {
      text_ = what & 1;
      compressed_ = deflater_ && (what & 8);
      kind.op = text_ ? opcode::text : opcode::binary;
      kind.rsv1 = compressed_;
      message_.clear();
    }
    begun_ = !end;
    if (text_)
      for (auto& c : payload) c = static_cast<char>(c & 0x7f);
    message_ += payload;
    if (!compressed_) {
      append_frame(wire_, self_, kind, bytes_of(payload));
    } else {
      coax::detail::storage out;
      deflater_->add({payload.data(), payload.size()}, out);
      if (end)
        deflater_->finish(out);
      else if (what & 32)
        deflater_->flush(out);
      append_frame(wire_, self_, kind, std::span<const std::byte>(out.data(), out.size()));
    }
    if (end) lines_.push_back(std::string(compressed_ ? "compressed " : "") + (text_ ? "text " : "binary ") + message_);
  }

  role self_;
  std::optional<deflater> deflater_;
  coax::detail::storage wire_;
  std::vector<std::string> lines_;
  bool begun_ = false, text_ = false, compressed_ = false;
  std::string message_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto self = data[0] & 1 ? role::client : role::server;
  auto how = receiving(peer_of(self));
  how.read_limit = 0;
  how.deflate = data[0] & 2;
  how.takeover = data[0] & 4;
  compressor_parameters p;
  p.window_bits = static_cast<std::uint8_t>(data[0] & 8 ? 9 : 15);
  p.level = static_cast<std::uint8_t>(1 + data[0] / 32);
  how.window_bits = p.window_bits;
  sending_end sender(self, how.deflate ? std::optional<deflater>(std::in_place, p, how.takeover) : std::nullopt);
  std::minstd_rand random(data[1] + 1u);
  const std::size_t largest = data[0] & 16 ? 7 : 5000;

  auto rest = std::as_bytes(std::span(data, size)).subspan(2);
  while (rest.size() >= 2) {
    const auto what = static_cast<std::uint8_t>(rest[0]);
    const auto length = std::min<std::size_t>(static_cast<std::size_t>(rest[1]), rest.size() - 2);
    sender.frame(what, rest.subspan(2, length));
    rest = rest.subspan(2 + length);
  }

  coax::require(transcript(how, sender.bytes()) == sender.lines(), "what was sent is what comes, whole");
  assembler pieces(how);
  const auto in_pieces = transcript(
      pieces, sender.bytes(), [&] { return random() % largest; }, data[1] & 1);
  coax::require(in_pieces == sender.lines(), "what was sent is what comes, in pieces");
  return 0;
}
