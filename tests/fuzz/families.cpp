// SPDX-License-Identifier: MIT
#include "tests/fuzz/families.hpp"

#include <chrono>
#include <cstdio>
#include <utility>

#include "tests/fuzz/shuffled.hpp"

using namespace std::chrono_literals;

namespace deferred::fuzz {

namespace {
const WorldOptions* options_of_the_world = nullptr;  // for the hook
}

Families::Families(std::uint64_t seed, const WorldOptions& options)
    : options_(options), random_(seed), shuffled_(seed % 2 == 0) {
  for (std::size_t capacity = 0; capacity != 3; ++capacity) lines_.emplace_back(capacity);
  bells_.resize(2);
}

void Families::run() {
  options_of_the_world = &options_;
  set_unhandled_failure_hook([](const Failure& failure, const std::string&) {
    if (failure.check<Trouble>() || failure.check<TimeoutError>()) return;
    options_of_the_world->failed(failure.report());
  });
  reactor_ = std::make_unique<Reactor>(time_);
  if (shuffled_) shuffle_rounds(*reactor_, random_);
  for (unsigned n = 1 + random_.below(3); n != 0; --n) begin(nullptr, random_.next());
  const bool dies = random_.one_in(8);
  for (unsigned turns = random_.below(40); turns != 0; --turns) {
    if (reactor_->busy() || reactor_->timer_count() != 0) time_.run_once(true);
    const std::uint64_t seed = random_.next();
    Random random(seed);
    if (random.one_in(3) && act(seed, "meddle")) meddle(random);
  }
  if (!dies) {
    require(time_.run_until_idle(1h), "a timer does not end");
    look_at_the_lines();
    open_all();
    require(time_.run_until_idle(1h), "a wait does not end");
    require(reactor_->task_count() == 0, "a task is left");
    require(reactor_->timer_count() == 0, "a timer is left");
  }
  for (const MemberPointer& member : members_) member->task = TaskRef();
  reactor_.reset();
  require(frames_ == 0, "a frame is left");
  for (Line& line : lines_) {
    while (std::optional<Parcel> left = line.channel.try_receive()) left->take();
  }
  require(book_.made == book_.taken + book_.lost, "a parcel is twice there, or nowhere");
  require(book_.lost <= book_.may_be_lost, "a parcel is lost");
}

bool Families::act(std::uint64_t seed, const char* what) {
  const auto id = static_cast<std::uint32_t>(seed);
  if (options_.without.contains(id)) return false;
  if (options_.acted) options_.acted(id);
  if (options_.trace) {
    const TaskRef running = TaskRef::running();
    std::printf("%08x task %llu: %s\n", id,
                static_cast<unsigned long long>(running.valid() ? running.id() : 0), what);
    std::fflush(stdout);
  }
  return true;
}

/// Nobody is to wait for what is there.
void Families::look_at_the_lines() {
  for (const Line& line : lines_) {
    const bool full = line.channel.size() == line.channel.capacity();
    require(line.receiving == 0 || (line.channel.size() == 0 && line.sending == 0),
            "somebody waits for a parcel that is there");
    require(line.sending == 0 || full, "somebody waits for room that is there");
  }
}

void Families::open_all() {
  all_open_ = true;
  for (Line& line : lines_) line.channel.close();
  for (Bell& bell : bells_) bell.ring(next_position());
}

void Families::begin(const KinPointer& kin, std::uint64_t seed) {
  if (fuel_ == 0 || !act(seed, kin ? "spawn" : "begin")) return;
  --fuel_;
  const auto member = std::make_shared<Member>();
  members_.push_back(member);
  if (!kin) {
    member->task = spawn(*reactor_, alone(member, seed)).task();
    return;
  }
  member->scope.outer = &kin->scope;
  member->task =
      kin->nursery->spawn(child(member, kin, std::make_unique<Counts>(kin), seed)).task();
}

Task<> Families::alone(MemberPointer self, std::uint64_t seed) {
  self->begun = true;
  co_await steps(self, &self->scope, seed, 0);
}

Task<> Families::child(MemberPointer self, KinPointer kin, std::unique_ptr<Counts>,
                       std::uint64_t seed) {
  self->begun = true;
  try {
    co_await steps(self, &self->scope, seed, 1);
  } catch (const Cancelled&) {
    throw;
  } catch (const Trouble& trouble) {
    kin->troubles.push_back(trouble.number);
    kin->scope.cancelled = true;
    throw;
  } catch (...) {
    kin->scope.cancelled = true;
    throw;
  }
}

void tell(const Failure& failure, std::vector<unsigned>& told) {
  if (const Trouble* const trouble = failure.check<Trouble>()) told.push_back(trouble->number);
  for (const Failure& other : failure.suppressed()) tell(other, told);
}

void run_world(std::uint64_t seed, const WorldOptions& options) { Families(seed, options).run(); }

}  // namespace deferred::fuzz
