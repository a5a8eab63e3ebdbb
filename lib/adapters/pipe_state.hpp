/// A pipe at work: two lanes, each of which reads, writes what it has read, and reads again.
#pragma once

#include "io/parking_lot.hpp"
#include <coax/message.hpp>
#include <coax/pipe.hpp>

#include <array>

namespace coax::detail {

/// Confined to its executor. The lanes' operations hold it; the streams belong to the coroutine that waits in `wait`,
/// which does not go on before the last operation has ended.
class pipe_state final : public parking_lot {
 public:
  pipe_state(asio::any_io_executor ex, pipe_end& a, pipe_end& b, pipe_options options);

  void start();
  /// Until both lanes have ended. Asio's cancellation of the caller stops them.
  task<> wait();
  /// Ends both lanes as soon as their operations let go.
  void stop(error_code why);
  pipe_result take_result();

  // For the operations
  asio::cancellation_slot slot(unsigned i) noexcept { return lanes_[i].signal.slot(); }
  void completed(unsigned i, const error_code& ec, std::size_t n);

 private:
  enum class step : unsigned char { reading, writing, ending, done };

  struct lane {
    pipe_end* from = nullptr;
    pipe_end* to = nullptr;
    step at = step::reading;
    bool draining = false;  // only what has arrived is still passed on
    std::size_t chunk = 0;  // of the next read
    std::size_t begin = 0;  // of what is to be written, in the buffer
    storage buffer;
    pipe_flow flow;
    asio::cancellation_signal signal;
  };

  std::shared_ptr<pipe_state> self() { return std::static_pointer_cast<pipe_state>(shared_from_this()); }
  pipe_handler handler(const lane& l) { return {self(), static_cast<unsigned>(&l - lanes_.data())}; }
  lane& other(const lane& l) noexcept { return lanes_[&l == &lanes_[0] ? 1 : 0]; }

  void read(lane& l);
  void has_read(lane& l, const error_code& ec, std::size_t n);
  void write(lane& l);
  void has_written(lane& l, const error_code& ec, std::size_t n);
  void adapt(lane& l, std::size_t n) noexcept;
  void source_ended(lane& l);
  void fail(lane& l, pipe_outcome outcome, const error_code& ec);
  void finish(lane& l, pipe_outcome outcome, const error_code& ec);
  void interrupt(lane& l);
  void drain(lane& l);
  void on_shutdown() noexcept override { waiting_.reset(); }

  const pipe_options options_;
  std::array<lane, 2> lanes_;
  error_code stopped_;
  parked_handler waiting_;
};

}  // namespace coax::detail
