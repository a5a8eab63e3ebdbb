#include "http/static_files.hpp"

#include "core/buffer_pool.hpp"
#include "http/conditions.hpp"
#include "http/content_type.hpp"
#include "http/exchange_state.hpp"
#include "http/grammar.hpp"
#include "io/file.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace coax::http {
namespace {

struct folder {
  std::string root;
  std::size_t prefix_segments;
  file_options options;
};

std::string hex(std::uint64_t n) {
  char text[16];
  return {text, std::to_chars(text, text + sizeof text, n, 16).ptr};
}

/// The path below the folder that a request names; nothing if there can be no such file. An encoded slash, a
/// backslash, a hidden file: whatever they would find, it is not meant to be served.
std::optional<std::string> relative_path(const target& t, std::size_t skip, const std::string& index) {
  std::string path;
  for (std::size_t i = skip; i < t.segments.size(); ++i) {
    const auto& segment = t.segments[i];
    const bool last = i + 1 == t.segments.size();
    if (segment.empty()) {
      if (!last || index.empty()) return std::nullopt;
      return path + index;
    }
    if (segment.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) return std::nullopt;
    if (segment.front() == '.' && segment != ".well-known") return std::nullopt;
    path += segment;
    if (!last) path += '/';
  }
  return path;
}

/// The head of an answer to which `s` was found.
response head_for(const selection& s, const representation& r, std::string_view type, const headers& fields) {
  response head(s.status);
  for (const auto& f : fields) head.header(f.name, f.value);
  if (s.status == 412) return head;
  if (s.status == 416) {
    head.header("Content-Range", "bytes */" + std::to_string(r.size));
    return head;
  }
  head.header("ETag", r.etag);
  if (r.modified) head.header("Last-Modified", format_date(*r.modified));
  if (s.status == 304) return head;
  head.content_type(type).header("Accept-Ranges", "bytes");
  if (s.status == 206)
    head.header("Content-Range", "bytes " + std::to_string(s.first) + '-' + std::to_string(s.first + s.length - 1) +
                                     '/' + std::to_string(r.size));
  return head;
}

// Written anew from the path that was found: as the client wrote it, "//host/../folder" would lead to that host.
task<> redirect_to_folder(exchange& x) {
  const auto& t = x.state().target;
  std::string location;
  for (const auto& segment : t.segments) location.append("/").append(percent_encode(segment));
  location += '/';
  if (!t.raw_query.empty()) location.append("?").append(t.raw_query);
  auto answer = text_answer(301, "moved to " + location);
  answer.header("Location", location);
  co_await x.respond(std::move(answer));
}

// The context of the handler is not used for sending: a download that is under way may end while the server drains,
// and a client that has gone shows as an error of the write.
task<> send_file(exchange& x, std::unique_ptr<detail::file> f, const folder& from, std::string_view name) {
  representation r;
  r.size = f->size();
  r.modified = std::chrono::duration_cast<std::chrono::seconds>(f->modified()).count();
  r.etag = '"' + hex(f->size()) + '-' + hex(static_cast<std::uint64_t>(f->modified().count())) + '"';
  const auto extension = extension_of(name);
  const auto& own = from.options.content_types();
  const auto found = own.find(extension);
  const auto type = found != own.end() ? std::string_view(found->second) : content_type(extension);

  const auto s = select(x.method(), x.state().request().fields, r);
  auto head = head_for(s, r, type, from.options.headers());
  const context never;
  if (s.status != 200 && s.status != 206) {
    co_await x.respond(std::move(head));
    co_return;
  }
  co_await x.state().start_with_length(std::move(head), s.length, never);
  if (x.method() == "GET") {
    if (const auto ec = f->seek(s.first)) throw system_error(ec, "static file");
    detail::borrowed_buffer buffer;
    for (auto left = s.length; left > 0;) {
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(left, detail::borrowed_buffer::size));
      const auto n = f->read({buffer.borrow(), want});
      if (n == 0) throw std::runtime_error("static file: it became shorter while it was sent");
      const std::string_view piece(reinterpret_cast<const char*>(buffer.data()), n);
      co_await x.send(piece);
      left -= n;
    }
  }
  co_await x.finish();
}

task<> serve_one(std::shared_ptr<const folder> from, exchange& x) {
  const auto path = relative_path(x.state().target, from->prefix_segments, from->options.index());
  auto opened = path ? detail::open_beneath(from->root, *path) : error_code(errc::bad_request);
  if (opened) {
    co_await send_file(x, *std::move(opened), *from, *path);
    co_return;
  }
  if (path && opened.error() == boost::system::errc::is_a_directory) {
    co_await redirect_to_folder(x);
    co_return;
  }
  auto answer = text_answer(404, "not found");
  co_await x.respond(std::move(answer));
}

struct asset {
  std::string type;
  std::string bytes;
  representation facts;
};

task<> send_asset(std::shared_ptr<const asset> a, exchange& x) {
  const auto s = select(x.method(), x.state().request().fields, a->facts);
  const headers none;
  auto head = head_for(s, a->facts, a->type, none);
  if (s.status == 200 || s.status == 206)
    head.body(a->bytes.substr(static_cast<std::size_t>(s.first), static_cast<std::size_t>(s.length)));
  co_await x.respond(std::move(head));
}

/// FNV-1a: tells versions apart; nobody gains by forging one.
std::uint64_t hash(std::string_view bytes) noexcept {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

}  // namespace

request_handler serve_folder(const std::string& root, std::size_t prefix_segments, file_options options) {
  std::error_code ec;
  if (!std::filesystem::is_directory(root, ec)) throw std::invalid_argument("server::files: not a folder: " + root);
  auto from = std::make_shared<folder>(folder{root, prefix_segments, std::move(options)});
  return [from = std::move(from)](exchange& x, context) { return serve_one(from, x); };
}

request_handler add_slash() {
  return [](exchange& x, context) { return redirect_to_folder(x); };
}

request_handler serve_bytes(std::string_view type, std::string bytes) {
  auto a = std::make_shared<asset>();
  a->facts.size = bytes.size();
  a->facts.etag = '"' + hex(bytes.size()) + '-' + hex(hash(bytes)) + '"';
  a->type = type;
  a->bytes = std::move(bytes);
  return [a = std::move(a)](exchange& x, context) { return send_asset(a, x); };
}

}  // namespace coax::http
