#include "protocol/compressor.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <new>
#include <vector>

namespace coax::protocol {
namespace {

std::atomic<std::ptrdiff_t> bytes_of_contexts{0};

// Contexts that nobody uses, a few for each set of parameters. Reset when they come back, so that to borrow is cheap.
template <class Context>
class idle_contexts {
 public:
  using parameters = typename Context::parameters;

  idle_contexts() noexcept { alive = true; }
  ~idle_contexts() { alive = false; }

  std::unique_ptr<Context> take(parameters p) noexcept {
    const auto found = std::find_if(all_.rbegin(), all_.rend(), [p](const entry& e) { return e.key == p; });
    if (found == all_.rend()) return nullptr;
    auto context = std::move(found->context);
    all_.erase(std::next(found).base());
    return context;
  }

  void give(parameters p, std::unique_ptr<Context> context) {
    const auto same = std::ranges::count_if(all_, [p](const entry& e) { return e.key == p; });
    if (same >= of_a_kind) return;
    if (all_.size() == in_all) all_.erase(all_.begin());
    context->reset();
    all_.push_back({p, std::move(context)});
  }

  // Null once the thread is on its way out.
  static idle_contexts* of_thread() noexcept {
    static thread_local bool constructed = false;
    if (constructed && !alive) return nullptr;
    constructed = true;
    static thread_local idle_contexts idle;
    return &idle;
  }

 private:
  static constexpr std::ptrdiff_t of_a_kind = 4;
  static constexpr std::size_t in_all = 16;
  static thread_local bool alive;

  struct entry {
    parameters key;
    std::unique_ptr<Context> context;
  };
  std::vector<entry> all_;
};

template <class Context>
thread_local bool idle_contexts<Context>::alive = false;

}  // namespace

template <class Context>
void give_back<Context>::operator()(Context* c) const noexcept {
  std::unique_ptr<Context> owned(c);
  try {
    if (auto* idle = idle_contexts<Context>::of_thread()) idle->give(made_with, std::move(owned));
  } catch (const std::bad_alloc&) {
    // Then it is gone instead of kept.
  }
}

template struct give_back<compressor>;
template struct give_back<decompressor>;

lease<compressor> borrow_compressor(compressor::parameters p) {
  std::unique_ptr<compressor> c;
  if (auto* idle = idle_contexts<compressor>::of_thread()) c = idle->take(p);
  if (!c) c = detail::make_igzip_compressor(p);
  if (!c) c = detail::make_zlib_compressor(p);
  return lease<compressor>(c.release(), {p});
}

lease<decompressor> borrow_decompressor(decompressor::parameters window_bits) {
  std::unique_ptr<decompressor> d;
  if (auto* idle = idle_contexts<decompressor>::of_thread()) d = idle->take(window_bits);
  if (!d) d = detail::make_zlib_decompressor(window_bits);
  return lease<decompressor>(d.release(), {window_bits});
}

std::size_t deflate_memory() noexcept {
  return static_cast<std::size_t>(bytes_of_contexts.load(std::memory_order_relaxed));
}

void detail::count_deflate_memory(std::ptrdiff_t more) noexcept {
  bytes_of_contexts.fetch_add(more, std::memory_order_relaxed);
}

}  // namespace coax::protocol
