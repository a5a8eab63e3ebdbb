/// How the hub hears of a connection that it sends to.
#pragma once

namespace coax::detail {

/// Told when the send queue has drained; the hub pulls by it.
class drain_observer {
 public:
  virtual void on_drained() = 0;
  virtual void on_ended() = 0;

 protected:
  ~drain_observer() = default;
};

}  // namespace coax::detail
