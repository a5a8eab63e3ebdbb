#include "io/file.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#ifndef _WIN32
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif
#ifdef __linux__
#include <sys/syscall.h>

#include <linux/openat2.h>
#endif

namespace coax::detail {
namespace {

namespace fs = std::filesystem;
namespace sys = boost::system::errc;

error_code last_error() noexcept { return {errno, boost::system::system_category()}; }

error_code no_file() noexcept { return sys::make_error_code(sys::no_such_file_or_directory); }

/// Resolves every link first and looks where it leads. What is changed between the look and the opening is trusted;
/// Linux does better.
result<std::FILE*> open_resolved(const std::string& root, const std::string& relative) {
  std::error_code ec;
  const auto base = fs::canonical(root, ec);
  if (ec) return no_file();
  const auto path = fs::canonical(base / relative, ec);
  if (ec) return no_file();
  if (std::mismatch(base.begin(), base.end(), path.begin(), path.end()).first != base.end()) return no_file();
  if (fs::is_directory(path, ec)) return sys::make_error_code(sys::is_a_directory);
  // Opening anything else could block, as a pipe does.
  if (!fs::is_regular_file(path, ec)) return sys::make_error_code(sys::not_supported);
  auto* f = std::fopen(path.string().c_str(), "rb");
  if (!f) return last_error();
  return f;
}

#ifdef __linux__

struct descriptor {
  explicit descriptor(int n) noexcept : fd(n) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int fd;
};

/// The kernel's own containment, without a gap between look and opening.
result<std::FILE*> open_contained(const std::string& root, const std::string& relative) {
  const descriptor folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd < 0) return last_error();
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  descriptor opened(static_cast<int>(::syscall(SYS_openat2, folder.fd, relative.c_str(), &how, sizeof how)));
  if (opened.fd < 0) return last_error();
  struct stat info;
  if (::fstat(opened.fd, &info) != 0) return last_error();
  if (S_ISDIR(info.st_mode)) return sys::make_error_code(sys::is_a_directory);
  auto* f = ::fdopen(opened.fd, "rb");
  if (!f) return last_error();
  opened.fd = -1;
  return f;
}

#endif

result<std::FILE*> open_file(const std::string& root, const std::string& relative) {
#ifdef __linux__
  auto opened = open_contained(root, relative);
  // Before Linux 5.6 there is no openat2; some sandboxes answer with EPERM to what they do not know.
  const bool unknown =
      !opened && (opened.error() == sys::function_not_supported || opened.error() == sys::operation_not_permitted);
  if (!unknown) return opened;
#endif
  return open_resolved(root, relative);
}

}  // namespace

result<file> file::adopt(std::FILE* handle) {
  file f;
  f.handle_.reset(handle);
  // Reads are large already.
  std::setvbuf(handle, nullptr, _IONBF, 0);
#ifdef _WIN32
  struct _stat64 info;
  if (::_fstat64(::_fileno(handle), &info) != 0) return last_error();
  f.modified_ = std::chrono::seconds(info.st_mtime);
  const bool regular = (info.st_mode & _S_IFREG) != 0;
#else
  struct stat info;
  if (::fstat(::fileno(handle), &info) != 0) return last_error();
#ifdef __APPLE__
  const auto& time = info.st_mtimespec;
#else
  const auto& time = info.st_mtim;
#endif
  f.modified_ = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  const bool regular = S_ISREG(info.st_mode);
#endif
  if (!regular) return sys::make_error_code(sys::not_supported);
  f.size_ = static_cast<std::uint64_t>(info.st_size);
  return f;
}

error_code file::seek(std::uint64_t offset) noexcept {
#ifdef _WIN32
  const int failed = ::_fseeki64(handle_.get(), static_cast<long long>(offset), SEEK_SET);
#else
  const int failed = ::fseeko(handle_.get(), static_cast<off_t>(offset), SEEK_SET);
#endif
  return failed ? last_error() : error_code();
}

std::size_t file::read(std::span<std::byte> to) noexcept { return std::fread(to.data(), 1, to.size(), handle_.get()); }

result<file> open_beneath(const std::string& root, const std::string& relative) {
  auto opened = open_file(root, relative);
  if (!opened) return opened.error();
  return file::adopt(*opened);
}

}  // namespace coax::detail
