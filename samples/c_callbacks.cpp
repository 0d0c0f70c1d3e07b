// SPDX-License-Identifier: MIT
//
// Shows: how a C interface that calls back becomes awaitable. What is begun, what the library is
// given for its callback, and what takes it back are one object, the undo of a wait.
// Prints: what three questions came to: an answer, an error, and a limit in time.
#include <deferred/deferred.hpp>
#include <iostream>
#include <list>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using namespace deferred;

// A C library. Its callback is called once, later, unless the question is taken back.
struct weather_question;
using weather_callback = void (*)(void* context, int error, int degrees);
weather_question* weather_ask(const char* town, weather_callback callback, void* context);
void weather_take_back(weather_question* question);
void weather_work();  // answers the oldest question

// `const int degrees = co_await Weather("Rome");`
class Weather {
 public:
  explicit Weather(std::string town) : town_(std::move(town)) {}

  class Asked {  // the undo: it stays where it is made, so that the library may have its address
   public:
    Asked(const char* town, Waiter<int> waiter)
        : waiter_(std::move(waiter)), question_(weather_ask(town, &Asked::answer, this)) {}
    Asked(const Asked&) = delete;
    ~Asked() {
      if (question_ != nullptr) weather_take_back(question_);
    }

   private:
    static void answer(void* context, int error, int degrees) noexcept {  // C knows no exceptions
      Asked& asked = *static_cast<Asked*>(context);
      asked.question_ = nullptr;  // it is over
      if (error == 0) asked.waiter_.resume(degrees);
      if (error != 0) asked.waiter_.throw_(std::runtime_error("no such town"));
    }

    Waiter<int> waiter_;
    weather_question* question_;
  };
  Asked yield_to(Waiter<int> waiter) const { return Asked(town_.c_str(), std::move(waiter)); }

 private:
  std::string town_;
};

Task<> tell(std::string town) {
  try {
    const int degrees = co_await with_timeout(50ms, Weather(town));
    std::cout << town << ": " << degrees << " degrees\n";
  } catch (const TimeoutError&) {
    std::cout << town << ": no answer in time\n";
  } catch (const std::runtime_error& error) {
    std::cout << town << ": " << error.what() << '\n';
  }
}

Task<> main_task() {
  LoopingCall library(1ms, [] { weather_work(); });
  auto working = library.start();
  co_await tell("Rome");
  co_await tell("Nowhere");
  library.stop();  // and from now on it answers nothing
  co_await tell("Bergen");
}

int main() {
  Reactor reactor;
  return reactor.run(main_task());
}

// The library.
struct weather_question {
  std::string town;
  weather_callback callback;
  void* context;
};
std::list<weather_question> questions;

weather_question* weather_ask(const char* town, weather_callback callback, void* context) {
  return &questions.emplace_back(weather_question{town, callback, context});
}
void weather_take_back(weather_question* question) {
  questions.remove_if([question](const weather_question& one) { return &one == question; });
}
void weather_work() {
  if (questions.empty()) return;
  const weather_question oldest = questions.front();
  questions.pop_front();
  const bool known = oldest.town == "Rome";
  oldest.callback(oldest.context, known ? 0 : 1, known ? 31 : 0);
}
