// What deflate costs in each of the libraries that could do it, per message, as permessage-deflate uses them (RFC
// 7692). Built by hand, as two of them are no dependencies of coax (docs/compression.md has the figures):
//
//     apt-get install libisal-dev zlib1g-dev
//     g++ -std=c++20 -O2 tests/bench/deflate_libraries.cpp -lisal -lz -o /tmp/deflate_libraries &&
//     /tmp/deflate_libraries
#include <boost/beast/zlib.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <isa-l/igzip_lib.h>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using bytes = std::vector<unsigned char>;

[[noreturn]] void die(const char* why) {
  std::fprintf(stderr, "%s\n", why);
  std::exit(1);
}

/// One direction each of a connection. Output is overwritten by the next call.
struct codec {
  virtual ~codec() = default;
  virtual std::span<const unsigned char> deflate(std::span<const unsigned char> in) = 0;
  virtual std::span<const unsigned char> inflate(std::span<const unsigned char> in) = 0;
};

struct params {
  int level = 6;
  int bits = 15;
  int memory = 8;
  bool takeover = true;
};

constexpr std::size_t room = 1 << 17;
constexpr unsigned char tail[] = {0, 0, 0xff, 0xff};

std::size_t zlib_bytes = 0;
void* counting_alloc(void*, unsigned n, unsigned size) {
  zlib_bytes += std::size_t{n} * size;
  return std::calloc(n, size);
}
void counting_free(void*, void* p) { std::free(p); }

struct zlib_codec : codec {
  explicit zlib_codec(params p) : p_(p), out_(room) {
    d_.zalloc = i_.zalloc = counting_alloc;
    d_.zfree = i_.zfree = counting_free;
    if (deflateInit2(&d_, p.level, Z_DEFLATED, -p.bits, p.memory, Z_DEFAULT_STRATEGY) != Z_OK) die("deflateInit2");
    if (inflateInit2(&i_, -p.bits) != Z_OK) die("inflateInit2");
  }
  ~zlib_codec() override {
    deflateEnd(&d_);
    inflateEnd(&i_);
  }
  std::span<const unsigned char> deflate(std::span<const unsigned char> in) override {
    if (!p_.takeover) deflateReset(&d_);
    d_.next_in = const_cast<unsigned char*>(in.data());
    d_.avail_in = static_cast<uInt>(in.size());
    d_.next_out = out_.data();
    d_.avail_out = room;
    if (::deflate(&d_, Z_SYNC_FLUSH) != Z_OK || d_.avail_in != 0) die("deflate");
    return std::span(out_).first(room - d_.avail_out - 4);
  }
  std::span<const unsigned char> inflate(std::span<const unsigned char> in) override {
    if (!p_.takeover) inflateReset(&i_);
    i_.next_out = out_.data();
    i_.avail_out = room;
    for (auto piece : {in, std::span<const unsigned char>(tail)}) {
      i_.next_in = const_cast<unsigned char*>(piece.data());
      i_.avail_in = static_cast<uInt>(piece.size());
      if (const int r = ::inflate(&i_, Z_SYNC_FLUSH); r != Z_OK && r != Z_BUF_ERROR) die("inflate");
    }
    return std::span(out_).first(room - i_.avail_out);
  }
  params p_;
  z_stream d_{}, i_{};
  bytes out_;
};

struct beast_codec : codec {
  explicit beast_codec(params p) : p_(p), out_(room) {
    d_.reset(p.level, p.bits, p.memory, boost::beast::zlib::Strategy::normal);
    i_.reset(p.bits);
  }
  std::span<const unsigned char> deflate(std::span<const unsigned char> in) override {
    if (!p_.takeover) d_.reset();
    boost::beast::zlib::z_params z;
    z.next_in = in.data();
    z.avail_in = in.size();
    z.next_out = out_.data();
    z.avail_out = room;
    boost::system::error_code ec;
    d_.write(z, boost::beast::zlib::Flush::sync, ec);
    if (ec || z.avail_in != 0) die("beast deflate");
    return std::span(out_).first(room - z.avail_out - 4);
  }
  std::span<const unsigned char> inflate(std::span<const unsigned char> in) override {
    if (!p_.takeover) i_.clear();
    boost::beast::zlib::z_params z;
    z.next_out = out_.data();
    z.avail_out = room;
    for (auto piece : {in, std::span<const unsigned char>(tail)}) {
      z.next_in = piece.data();
      z.avail_in = piece.size();
      boost::system::error_code ec;
      i_.write(z, boost::beast::zlib::Flush::sync, ec);
      if (ec && ec != boost::beast::zlib::error::need_buffers) die("beast inflate");
    }
    return std::span(out_).first(room - z.avail_out);
  }
  params p_;
  boost::beast::zlib::deflate_stream d_;
  boost::beast::zlib::inflate_stream i_;
  bytes out_;
};

struct isal_codec : codec {
  explicit isal_codec(params p)
      : p_(p), d_(std::make_unique<isal_zstream>()), i_(std::make_unique<inflate_state>()), out_(room) {
    static constexpr std::uint32_t buffer[] = {0, ISAL_DEF_LVL1_SMALL, ISAL_DEF_LVL2_SMALL, ISAL_DEF_LVL3_SMALL};
    level_.resize(buffer[p.level]);
    isal_deflate_init(d_.get());
    configure();
    isal_inflate_init(i_.get());
  }
  void configure() {
    d_->level = static_cast<std::uint32_t>(p_.level);
    d_->level_buf = level_.data();
    d_->level_buf_size = static_cast<std::uint32_t>(level_.size());
    d_->hist_bits = static_cast<std::uint16_t>(p_.bits == 15 ? 0 : p_.bits);
    d_->flush = SYNC_FLUSH;
    if (p_.level == 0) isal_deflate_set_hufftables(d_.get(), nullptr, IGZIP_HUFFTABLE_STATIC);
  }
  std::span<const unsigned char> deflate(std::span<const unsigned char> in) override {
    if (!p_.takeover) {
      isal_deflate_reset(d_.get());
      configure();
    }
    d_->next_in = const_cast<unsigned char*>(in.data());
    d_->avail_in = static_cast<std::uint32_t>(in.size());
    d_->next_out = out_.data();
    d_->avail_out = room;
    if (isal_deflate(d_.get()) != COMP_OK || d_->avail_in != 0) die("isal_deflate");
    return std::span(out_).first(room - d_->avail_out - 4);
  }
  std::span<const unsigned char> inflate(std::span<const unsigned char> in) override {
    if (!p_.takeover) isal_inflate_reset(i_.get());
    i_->next_out = out_.data();
    i_->avail_out = room;
    for (auto piece : {in, std::span<const unsigned char>(tail)}) {
      i_->next_in = const_cast<unsigned char*>(piece.data());
      i_->avail_in = static_cast<std::uint32_t>(piece.size());
      if (isal_inflate(i_.get()) < 0) die("isal_inflate");
    }
    return std::span(out_).first(room - i_->avail_out);
  }
  params p_;
  std::unique_ptr<isal_zstream> d_;
  std::unique_ptr<inflate_state> i_;
  bytes level_, out_;
};

// As coax has it: what ISA-L has made is inflated by zlib.
struct mixed_codec : codec {
  explicit mixed_codec(params p) : isal(p), zlib(zlib_params(p)) {}
  static params zlib_params(params p) {
    p.level = 6;
    p.memory = 8;
    return p;
  }
  std::span<const unsigned char> deflate(std::span<const unsigned char> in) override { return isal.deflate(in); }
  std::span<const unsigned char> inflate(std::span<const unsigned char> in) override { return zlib.inflate(in); }
  isal_codec isal;
  zlib_codec zlib;
};

// Records as a chat or a trading service sends them: the same keys, other values.
bytes json_of(std::size_t size, std::mt19937& random) {
  static constexpr const char* words[] = {"order", "filled", "pending", "the", "market", "opens",  "with",
                                          "a",     "quiet",  "morning", "and", "prices", "follow", "demand"};
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::string s = "[";
  while (s.size() < size) {
    char record[256];
    std::snprintf(
        record, sizeof record,
        "{\"id\":%u,\"symbol\":\"%c%c%c\",\"price\":%u.%02u,\"quantity\":%u,\"time\":\"2026-03-%02uT%02u:%02u:%02uZ\","
        "\"user\":\"u%05u\",\"note\":\"%s %s %s %s\"},",
        pick(1u << 30), 'A' + pick(26), 'A' + pick(26), 'A' + pick(26), pick(1000), pick(100), pick(5000), 1 + pick(28),
        pick(24), pick(60), pick(60), pick(100000), words[pick(14)], words[pick(14)], words[pick(14)], words[pick(14)]);
    s += record;
  }
  s.resize(size - 1);
  s += ']';
  return {s.begin(), s.end()};
}

double cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct candidate {
  const char* name;
  std::function<std::unique_ptr<codec>(bool takeover)> make;
};

struct measured {
  std::vector<double> deflate_ns, inflate_ns;
  double ratio = 0;
};

// The same messages through a fresh pair of contexts, after as many to warm up.
void run(const candidate& c, bool takeover, const std::vector<bytes>& messages, measured& m) {
  const auto pair = c.make(takeover);
  const auto reader = c.make(takeover);
  double out = 0, in = 0, deflating = 0, inflating = 0;
  for (int round = 0; round != 2; ++round) {
    std::vector<bytes> sent;
    double start = cpu_ns();
    for (const auto& message : messages) {
      const auto packed = pair->deflate(message);
      sent.emplace_back(packed.begin(), packed.end());
    }
    deflating = cpu_ns() - start;
    start = cpu_ns();
    for (const auto& packed : sent) in += static_cast<double>(reader->inflate(packed).size());
    inflating = cpu_ns() - start;
    for (const auto& packed : sent) out += static_cast<double>(packed.size());
  }
  const auto n = static_cast<double>(messages.size());
  m.deflate_ns.push_back(deflating / n);
  m.inflate_ns.push_back(inflating / n);
  m.ratio = out / in;
}

double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

template <class Codec>
candidate make(const char* name, int level, int bits, int memory) {
  return {name, [=](bool takeover) -> std::unique_ptr<codec> {
            params p;
            p.level = level;
            p.bits = bits;
            p.memory = memory;
            p.takeover = takeover;
            return std::make_unique<Codec>(p);
          }};
}

}  // namespace

int main() {
  const candidate all[] = {make<beast_codec>("beast  l8 m4 (its default)", 8, 15, 4),
                           make<zlib_codec>("zlib   l8 m4", 8, 15, 4),
                           make<beast_codec>("beast  l6 m8", 6, 15, 8),
                           make<zlib_codec>("zlib   l6 m8", 6, 15, 8),
                           make<beast_codec>("beast  l3 m8", 3, 15, 8),
                           make<zlib_codec>("zlib   l3 m8", 3, 15, 8),
                           make<beast_codec>("beast  l1 m8", 1, 15, 8),
                           make<zlib_codec>("zlib   l1 m8", 1, 15, 8),
                           make<zlib_codec>("zlib   l1 m4", 1, 15, 4),
                           make<zlib_codec>("zlib   l1 m5 w12", 1, 12, 5),
                           make<isal_codec>("isa-l  l0", 0, 15, 0),
                           make<isal_codec>("isa-l  l1", 1, 15, 0),
                           make<isal_codec>("isa-l  l2", 2, 15, 0),
                           make<isal_codec>("isa-l  l3", 3, 15, 0),
                           make<mixed_codec>("isa-l  l0, inflated by zlib", 0, 15, 0),
                           make<mixed_codec>("isa-l  l1, inflated by zlib", 1, 15, 0),
                           make<mixed_codec>("isa-l  l3, inflated by zlib", 3, 15, 0)};

  for (const std::size_t size : {std::size_t{1024}, std::size_t{65536}}) {
    for (const bool takeover : {true, false}) {
      std::mt19937 random(7);
      std::vector<bytes> messages;
      for (std::size_t i = 0; i != (size == 1024 ? 2000u : 60u); ++i) messages.push_back(json_of(size, random));
      std::vector<measured> results(std::size(all));
      for (int round = 0; round != 5; ++round)
        for (std::size_t i = 0; i != std::size(all); ++i) run(all[i], takeover, messages, results[i]);
      std::printf("\n%zu bytes, %s takeover\n%-28s %12s %12s %8s\n", size, takeover ? "with" : "without", "",
                  "deflate ns", "inflate ns", "ratio");
      for (std::size_t i = 0; i != std::size(all); ++i) {
        std::printf("%-28s %12.0f %12.0f %8.3f\n", all[i].name, median(results[i].deflate_ns),
                    median(results[i].inflate_ns), results[i].ratio);
      }
    }
  }
  std::printf("\nbytes of a context: isa-l deflate %zu, with level 1 %zu; inflate %zu\n", sizeof(isal_zstream),
              sizeof(isal_zstream) + ISAL_DEF_LVL1_SMALL, sizeof(inflate_state));
  for (const auto [memory, bits] : {std::pair(8, 15), std::pair(4, 15), std::pair(5, 12), std::pair(1, 9)}) {
    z_stream d{}, i{};
    d.zalloc = i.zalloc = counting_alloc;
    d.zfree = i.zfree = counting_free;
    zlib_bytes = 0;
    deflateInit2(&d, 6, Z_DEFLATED, -bits, memory, Z_DEFAULT_STRATEGY);
    const auto deflate_bytes = zlib_bytes;
    zlib_bytes = 0;
    inflateInit2(&i, -bits);
    std::printf("zlib, window %d, memory level %d: deflate %zu, inflate %zu and its window\n", bits, memory,
                deflate_bytes, zlib_bytes);
    deflateEnd(&d);
    inflateEnd(&i);
  }
}
