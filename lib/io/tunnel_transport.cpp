#include "io/tunnel_transport.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace coax::detail {
namespace {

class tunnel_transport final : public transport, public transport::observer {
 public:
  tunnel_transport(std::shared_ptr<transport> lower, std::string first, std::string local, std::string remote)
      : transport(lower->executor()),
        lower_(std::move(lower)),
        first_(std::move(first)),
        local_(std::move(local)),
        remote_(std::move(remote)) {}

  static std::shared_ptr<transport> create(std::shared_ptr<transport> lower, std::string first, std::string local,
                                           std::string remote) {
    const auto t =
        std::make_shared<tunnel_transport>(std::move(lower), std::move(first), std::move(local), std::move(remote));
    t->lower_->observe(std::shared_ptr<transport::observer>(t, t.get()));
    return t;
  }

  std::size_t read_some(asio::mutable_buffer to, error_code& ec) override {
    if (first_.empty()) return lower_->read_some(to, ec);
    ec.clear();
    const auto n = std::min(to.size(), first_.size() - taken_);
    std::memcpy(to.data(), first_.data() + taken_, n);
    taken_ += n;
    if (taken_ == first_.size()) std::string().swap(first_);
    return n;
  }

  std::size_t write_some(std::span<const asio::const_buffer> from, error_code& ec) override {
    return lower_->write_some(from, ec);
  }
  bool output_pending() const noexcept override { return lower_->output_pending(); }

  void wait(direction d) override {
    if (d == direction::write || first_.empty()) return lower_->wait(d);
    if (std::exchange(posted_, true)) return;
    asio::post(executor(), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      auto& me = static_cast<tunnel_transport&>(*self);
      me.posted_ = false;
      if (!me.closed_) me.notify(direction::read);
    });
  }

  void shutdown_send() noexcept override { lower_->shutdown_send(); }
  void close() noexcept override {
    closed_ = true;
    first_.clear();
    lower_->close();
  }
  std::string local_endpoint() const override { return local_; }
  std::string remote_endpoint() const override { return remote_; }

 private:
  void on_ready(direction d) override { notify(d); }

  std::shared_ptr<transport> lower_;
  std::string first_;  // from taken_ on
  std::string local_;
  std::string remote_;
  std::size_t taken_ = 0;
  bool posted_ = false;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<transport> make_tunnel_transport(std::shared_ptr<transport> lower, std::string first_bytes) {
  auto local = lower->local_endpoint(), remote = lower->remote_endpoint();
  return tunnel_transport::create(std::move(lower), std::move(first_bytes), std::move(local), std::move(remote));
}

std::shared_ptr<transport> make_proxied_transport(std::shared_ptr<transport> lower, std::string local,
                                                  std::string remote) {
  return tunnel_transport::create(std::move(lower), {}, std::move(local), std::move(remote));
}

}  // namespace coax::detail
