/// A transport that is closed unless everything goes well.
#pragma once

#include "io/stream.hpp"

#include <memory>

namespace coax::detail {

/// Closes the transport of an attempt that fails, for whatever reason.
class dial_attempt {
 public:
  explicit dial_attempt(std::shared_ptr<transport> t) : stream_(stream::create(std::move(t))) {}
  dial_attempt(const dial_attempt&) = delete;
  dial_attempt& operator=(const dial_attempt&) = delete;
  ~dial_attempt() {
    if (const auto t = stream_->release()) t->close();
  }
  stream& io() noexcept { return *stream_; }
  std::shared_ptr<transport> succeed() noexcept { return stream_->release(); }

 private:
  std::shared_ptr<stream> stream_;
};

}  // namespace coax::detail
