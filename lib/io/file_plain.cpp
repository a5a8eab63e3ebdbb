#include "io/file.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace coax::detail {
namespace {

namespace fs = std::filesystem;
namespace sys = boost::system::errc;

class plain_file final : public file {
 public:
  plain_file(std::filebuf&& in, std::uint64_t size, std::chrono::nanoseconds modified)
      : file(size, modified), in_(std::move(in)) {}

  error_code seek(std::uint64_t offset) noexcept override {
    try {
      const auto at = in_.pubseekoff(static_cast<std::streamoff>(offset), std::ios::beg, std::ios::in);
      if (at != std::streampos(-1)) return {};
    } catch (...) {
    }
    return sys::make_error_code(sys::io_error);
  }

  std::size_t read(std::span<std::byte> to) noexcept override {
    try {
      const auto n = in_.sgetn(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
      return static_cast<std::size_t>(n);
    } catch (...) {
      return 0;
    }
  }

 private:
  std::filebuf in_;
};

// The clock of files converts to that of the system, or to UTC: the standard wants one of the two.
template <class Clock, class Duration>
std::chrono::nanoseconds since_1970(std::chrono::time_point<Clock, Duration> t) {
  if constexpr (requires { Clock::to_sys(t); }) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::to_sys(t).time_since_epoch());
  } else {
    auto utc = Clock::to_utc(t);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(decltype(utc)::clock::to_sys(utc).time_since_epoch());
  }
}

}  // namespace

result<std::unique_ptr<file>> open_beneath(const std::string& root, const std::string& relative) {
  const auto path = resolve_beneath(root, relative);
  if (!path) return path.error();
  std::filebuf in;
  // Reads are large already.
  in.pubsetbuf(nullptr, 0);
  errno = 0;
  if (!in.open(*path, std::ios::in | std::ios::binary)) {
    if (errno != 0) return error_code(errno, boost::system::generic_category());
    return sys::make_error_code(sys::permission_denied);
  }
  std::error_code ec;
  const auto size = fs::file_size(*path, ec);
  if (ec) return error_code(ec);
  const auto modified = fs::last_write_time(*path, ec);
  if (ec) return error_code(ec);
  return std::make_unique<plain_file>(std::move(in), size, since_1970(modified));
}

}  // namespace coax::detail
