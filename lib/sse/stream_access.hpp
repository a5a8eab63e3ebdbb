/// For the hub: what is behind the handle of a stream.
#pragma once

#include <coax/event_stream.hpp>

#include <memory>

namespace coax::sse {

struct stream_access {
  static const std::shared_ptr<coax::detail::event_connection>& core(const event_stream& s) noexcept {
    return s.connection_;
  }
};

}  // namespace coax::sse
