/// The log of one topic in memory: its last entries, and the place where it ends.
#pragma once

#include "broker/tag_source.hpp"
#include "core/clock.hpp"
#include <coax/broker.hpp>

#include <boost/circular_buffer.hpp>

#include <optional>

namespace coax::detail {

/// A name for a new history, as no other log has it.
std::string new_epoch();

/// Offsets go on when entries expire. Tags are drawn from a sequence that begins at random, so that two logs give
/// different ones to the same offset. Not thread-safe.
class topic_log {
 public:
  /// @param max_bytes  of the payloads that are kept, whatever the limits; the last entry is kept even so.
  topic_log(const history_limits& limits, std::size_t max_bytes);

  /// The limits in `what` hold from now on, if there are any.
  entry_ptr append(publication what, steady::time_point now);

  /// What `broker_session::history` replies.
  history_page read(const position& since, std::size_t limit, steady::time_point now);

  /// Drops what has become too old.
  void expire(steady::time_point now);
  /// When the oldest entry will be too old.
  std::optional<steady::time_point> expires() const;
  /// When nothing will be kept any more, if nothing is published until then.
  steady::time_point ends(steady::time_point now) const;

  const std::string& epoch() const noexcept { return epoch_; }
  position end() const { return position(epoch_, offset_, tag_); }
  /// How many entries are kept.
  std::size_t size() const noexcept { return kept_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// As after a fail-over to a replica that lagged behind: the last `n` entries, as far as they are kept, are gone, and
  /// their offsets will be given to others.
  void lose_last(std::size_t n);
  /// As after a restart without data.
  void lose_all();

 private:
  struct kept_entry {
    entry_ptr entry;
    steady::time_point stored;
  };

  void begin();
  void trim();
  void drop_oldest();
  continuity compare(const position& since) const noexcept;

  history_limits limits_;
  std::size_t max_bytes_;
  std::string epoch_;
  std::uint64_t offset_ = 0;  // of the last entry, kept or not, as is its tag
  std::uint64_t tag_ = 0;
  tag_source tags_;
  boost::circular_buffer<kept_entry> kept_;
  std::size_t bytes_ = 0;
};

}  // namespace coax::detail
