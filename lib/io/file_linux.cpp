#include "io/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <linux/openat2.h>
#include <utility>

namespace coax::detail {
namespace {

namespace sys = boost::system::errc;

error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class linux_file final : public file {
 public:
  linux_file(descriptor fd, std::uint64_t size, std::chrono::nanoseconds modified) noexcept
      : file(size, modified), fd_(std::move(fd)) {}

  error_code seek(std::uint64_t offset) noexcept override {
    return ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_SET) < 0 ? last_error() : error_code();
  }

  std::size_t read(std::span<std::byte> to) noexcept override {
    std::size_t done = 0;
    while (done < to.size()) {
      const auto n = ::read(fd_.get(), to.data() + done, to.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

 private:
  descriptor fd_;
};

// Neither waits for the other end of a pipe, nor takes a terminal.
constexpr int how_to_open = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// The kernel's own containment, without a gap between look and opening.
result<descriptor> open_contained(const std::string& root, const std::string& relative) {
  const descriptor folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return last_error();
  open_how how{};
  how.flags = how_to_open;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  descriptor opened(static_cast<int>(::syscall(SYS_openat2, folder.get(), relative.c_str(), &how, sizeof how)));
  if (!opened) return last_error();
  return opened;
}

result<descriptor> open_descriptor(const std::string& root, const std::string& relative) {
  auto contained = open_contained(root, relative);
  // Before Linux 5.6 there is no openat2; some sandboxes answer with EPERM to what they do not know.
  const bool unknown = !contained && (contained.error() == sys::function_not_supported ||
                                      contained.error() == sys::operation_not_permitted);
  if (!unknown) return contained;
  const auto path = resolve_beneath(root, relative);
  if (!path) return path.error();
  descriptor opened(::open(path->c_str(), how_to_open));
  if (!opened) return last_error();
  return opened;
}

}  // namespace

result<std::unique_ptr<file>> open_beneath(const std::string& root, const std::string& relative) {
  auto fd = open_descriptor(root, relative);
  if (!fd) return fd.error();
  struct stat info;
  if (::fstat(fd->get(), &info) != 0) return last_error();
  if (S_ISDIR(info.st_mode)) return sys::make_error_code(sys::is_a_directory);
  if (!S_ISREG(info.st_mode)) return sys::make_error_code(sys::not_supported);
  const auto modified = std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
  return std::make_unique<linux_file>(std::move(*fd), static_cast<std::uint64_t>(info.st_size), modified);
}

}  // namespace coax::detail
