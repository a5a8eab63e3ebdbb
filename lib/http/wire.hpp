/// The byte stream of an HTTP connection with the bytes that have arrived and are not used yet.
#pragma once

#include "io/stream.hpp"
#include <coax/transport.hpp>

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

namespace coax::http {

/// On the transport's executor, one reader and one writer. While a handler runs and does not read, it can watch the
/// client: what arrives is kept as the next request's, and the client's end stops the token.
class wire final : public transport::observer, public std::enable_shared_from_this<wire> {
 public:
  /// Input that is kept while nobody reads; beyond it the client waits (and its end is not seen).
  static constexpr std::size_t most_ahead = 64 * 1024;

  /// `stop` is what the client's end stops.
  static std::shared_ptr<wire> create(std::shared_ptr<transport> t, std::chrono::nanoseconds write_stall,
                                      std::stop_source stop);
  wire(std::shared_ptr<transport> t, std::chrono::nanoseconds write_stall, std::stop_source stop);

  transport& lower() noexcept { return stream_->lower(); }
  const asio::any_io_executor& executor() const noexcept { return stream_->executor(); }

  std::string_view input() const noexcept { return std::string_view(input_).substr(used_); }
  void consume(std::size_t n) noexcept;
  /// Puts bytes behind the input, as those that another server has read already.
  void add_input(std::string_view bytes) { input_.append(bytes); }

  /// Reads at least one more byte.
  task<error_code> fill(const context& ctx);

  /// From the next turn of the executor on, until `unwatch`.
  void watch();
  void unwatch() noexcept { watching_ = false; }

  /// Sends all; each 256 KiB within the write stall time. After an error only part of it may have been sent.
  task<error_code> write(std::string_view head, std::string_view body, const context& ctx);

  /// Ends so that the peer can read our last words, within `limit`.
  task<> shutdown(std::chrono::nanoseconds limit);
  /// Ends at once; who waits goes on with `errc::closed`.
  void cut() noexcept;

  /// Hands the transport on, with the input left.
  std::shared_ptr<transport> release(std::string& rest);

 private:
  void on_ready(transport::direction d) override;
  error_code pull();
  void look();
  task<> take_turns();

  std::shared_ptr<detail::stream> stream_;
  std::chrono::nanoseconds write_stall_;
  std::string input_;
  std::size_t used_ = 0;
  error_code ended_;  // of the input, once it has been seen
  std::stop_source stop_;
  unsigned watch_number_ = 0;
  unsigned operations_ = 0;
  bool watching_ = false;
  bool filling_ = false;
  bool cut_ = false;
};

}  // namespace coax::http
