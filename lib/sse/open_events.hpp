/// One attempt to open a stream of events.
#pragma once

#include "io/stream.hpp"
#include "sse/event_body.hpp"
#include "websocket/dial_target.hpp"
#include <coax/event_source_options.hpp>

#include <memory>
#include <string>

namespace coax::sse {

/// An open stream; the transport is closed with it.
class event_stream_reader {
 public:
  event_stream_reader(std::shared_ptr<transport> t, coax::detail::reply_parser head, std::string rest,
                      content_coding coding, std::string from)
      : io(coax::detail::stream::create(std::move(t))),
        first_bytes(rest.size()),
        url(std::move(from)),
        body(std::move(head), std::move(rest), coding) {}
  event_stream_reader(const event_stream_reader&) = delete;
  event_stream_reader& operator=(const event_stream_reader&) = delete;
  /// Who waits in `io` goes on with `errc::closed`.
  ~event_stream_reader();

  const std::shared_ptr<coax::detail::stream> io;
  const std::size_t first_bytes;  ///< Of the body, that have come with the head.
  const std::string url;          ///< Where it was found, without user and password.
  event_body body;
};

/// Connects, asks, follows redirects; on the executor of the caller. Nothing after a 204.
/// @throws handshake_error  the answer was another one, or none of HTTP;
///         system_error     as `dial`, and `asio::error::eof` if the server ended the connection instead of answering.
task<std::unique_ptr<event_stream_reader>> open_events(coax::detail::dial_target target,
                                                       const event_source_options& options, std::string last_event_id,
                                                       context ctx);

}  // namespace coax::sse
