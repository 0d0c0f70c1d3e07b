// SPDX-License-Identifier: MIT
//
// AnyDuration: a duration as every function of the library takes it. Whoever writes hours::max()
// for "for ever" gets that, and not what is left of it in nanoseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <string>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"

namespace deferred {

/// Any chrono duration, in nanoseconds; what does not fit is as long as can be, and whatever comes
/// out at nanoseconds::max(), some 292 years, means for ever. Fractions of a nanosecond are cut
/// off; what is not a number is zero. A parameter type: made where a function is called.
class AnyDuration {
  using Nanoseconds = std::chrono::nanoseconds;

 public:
  template <class Rep, class Period>
  constexpr AnyDuration(std::chrono::duration<Rep, Period> given) noexcept
      : nanoseconds_(clamped(given)) {}
  constexpr operator Nanoseconds() const noexcept { return nanoseconds_; }

 private:
  template <class Rep, class Period>
  static constexpr Nanoseconds clamped(std::chrono::duration<Rep, Period> given) noexcept {
    using Ratio = std::ratio_divide<Period, std::nano>;
    if constexpr (std::is_same_v<std::chrono::duration<Rep, Period>, Nanoseconds>) {
      return given;
    } else if constexpr (std::is_integral_v<Rep> && Ratio::den == 1) {
      constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / Ratio::num;
      const auto count = +given.count();  // of a char too
      if (std::cmp_greater(count, most)) return Nanoseconds::max();
      if (std::cmp_less(count, -most)) return Nanoseconds::min();
      return Nanoseconds(static_cast<std::int64_t>(count) * Ratio::num);
    } else {
      // The ends as powers of two: these are exact in any floating-point type.
      constexpr long double end = 9'223'372'036'854'775'808.0L;
      const auto count = static_cast<long double>(given.count()) * Ratio::num / Ratio::den;
      if (count >= end) return Nanoseconds::max();
      if (count <= -end) return Nanoseconds::min();
      return Nanoseconds(count == count ? static_cast<std::int64_t>(count) : 0);
    }
  }

  Nanoseconds nanoseconds_;
};

/// "250 ms", "1.5 s"; "ever" of one that is for ever. For reports and dumps.
DEFERRED_API std::string to_string(AnyDuration duration);

}  // namespace deferred
