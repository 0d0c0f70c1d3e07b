// SPDX-License-Identifier: MIT
//
// for_each_at_most: something for each of a list, so many at once. Next: tasks/nursery.hpp.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "deferred/tasks/nursery.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred {

namespace detail {
template <class R, class F>
class EachAtMost;
}

/// `co_await for_each_at_most(n, range, f)` calls f(item) for each item, in the order of the range,
/// and awaits what it returns; at most n at once. Done when all are. The first error cancels the
/// others, waits for them and is thrown, later ones suppressed() in it; a cancel from outside
/// cancels those that run. No further item is begun then.
///
/// An lvalue range is referred to, any other is kept, and so are items that it makes anew: f may
/// take references. Of a range that is passed through only once, whose iterator is no
/// std::forward_iterator, f has a copy of each, a std::iter_value_t. Items of a range may be made
/// late, as the ones before are done with. n = 0: std::invalid_argument. (Twisted: Cooperator)
template <class R, class F>
auto for_each_at_most(std::size_t n, R&& range, F f) {
  using Made = std::invoke_result_t<F&, decltype(*std::begin(range))>;
  require_yieldable<Made>();
  if (n == 0) throw std::invalid_argument("for_each_at_most: 0 at once would never end");
  return with_nursery(detail::EachAtMost<R, F>(n, std::forward<R>(range), std::move(f)));
}

namespace detail {

/// The nursery's body: as many workers as may run at once. Each takes the next item when it has
/// done with one. The body and its workers are in this, which ends after them.
template <class R, class F>
class EachAtMost {
  using At = decltype(std::begin(std::declval<R&>()));
  using End = decltype(std::end(std::declval<R&>()));
  using Reference = decltype(*std::declval<At&>());
  /// What is kept of it: ++ may change what the reference of an input iterator refers to.
  using Item = std::conditional_t<std::forward_iterator<At>, Reference, std::iter_value_t<At>>;

 public:
  EachAtMost(std::size_t most, R&& range, F&& f)
      : most_(most), range_(std::forward<R>(range)), f_(std::move(f)) {}

  Task<> operator()(Nursery& nursery) {
    rest_.emplace(std::begin(range_), std::end(range_));
    for (std::size_t workers = 0; workers < most_ && any_left(); ++workers) {
      nursery.spawn(work(*rest_->first));
      ++rest_->first;
    }
    co_return;
  }

 private:
  bool any_left() { return rest_->first != rest_->second; }
  Task<> work(Item first) {
    co_await unlisted(cancel_point);
    static_cast<void>(co_await unlisted(std::invoke(f_, static_cast<Reference&&>(first))));
    for (;;) {
      co_await unlisted(cancel_point);  // f may have swallowed a cancel
      if (!any_left()) co_return;
      Item next = *rest_->first;
      ++rest_->first;
      static_cast<void>(co_await unlisted(std::invoke(f_, static_cast<Reference&&>(next))));
    }
  }

  std::size_t most_;
  R range_;
  F f_;
  std::optional<std::pair<At, End>> rest_;
};

}  // namespace detail
}  // namespace deferred
