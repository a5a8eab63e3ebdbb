/// One connection of a server: its requests, one after the other, until it ends or becomes something else.
#pragma once

#include "http/exchange_state.hpp"
#include "http/site.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/intrusive/list.hpp>

#include <exception>
#include <stop_token>

namespace coax::http {

/// Confined to the executor of its transport, owned by the coroutine that runs it.
class session final
    : public std::enable_shared_from_this<session>,
      public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  session(std::shared_ptr<site> s, std::shared_ptr<transport> t);
  ~session();

  task<> run();

  /// The server goes down: the handler's context stops, a WebSocket is closed with 1001, a stream of events
  /// and an idle connection end.
  void drain();
  /// Time is up: the connection is cut and the handler cancelled.
  void abort();
  bool aborted() const noexcept { return aborted_; }
  asio::cancellation_slot slot() noexcept { return cancel_.slot(); }

 private:
  struct incoming {
    incoming() = default;  // no aggregate: g++ 12 destroys temporaries of those twice (docs/gcc12.md)
    std::unique_ptr<request> head;
    request_parser parser;
  };

  task<bool> secure();
  task<bool> meet_proxy(context ctx);
  task<std::optional<incoming>> read_head(bool first);
  task<std::optional<incoming>> take_head(const head_scanner& scanner);
  task<bool> serve(incoming in);
  std::unique_ptr<detail::exchange_state> begin(incoming in);
  bool find_target(detail::exchange_state& s);
  task<> refuse_target();
  bool admit(exchange& x);
  const request_handler* find_handler(detail::exchange_state& s);
  task<> answer_by_itself(detail::exchange_state& x, bool admitted);
  response answer_unrouted(const detail::exchange_state& x) const;
  task<bool> settle(exchange& x, std::exception_ptr error);
  task<> answer_for(detail::exchange_state& x, std::exception_ptr error);
  task<> refuse(refusal why, headers fields = {});
  void adopt(const std::shared_ptr<detail::successor>& s, std::optional<stream_slot> slot);
  void report(const detail::exchange_state& x, std::exception_ptr error);
  context stopping() const { return context(stop_.get_token()); }

  struct forward {
    session* self;
    void operator()() const { self->stop_.request_stop(); }
  };

  std::shared_ptr<site> site_;
  std::shared_ptr<transport> transport_;  // until `wire_` has it
  std::shared_ptr<wire> wire_;            // until a successor has its transport
  std::shared_ptr<detail::successor> successor_;
  std::optional<stream_slot> slot_;  // of the successor
  std::optional<std::stop_callback<forward>> successor_ended_;
  std::stop_source stop_;
  asio::cancellation_signal cancel_;
  detail::exchange_state* current_ = nullptr;
  context::time_point accepted_;
  const bool crowded_out_;  // it came above the bound
  bool draining_ = false;
  bool aborted_ = false;
};

}  // namespace coax::http
