// SPDX-License-Identifier: MIT
#include <utility>

#include "tests/fuzz/families.hpp"

namespace deferred::fuzz {

void Families::meddle(Random& random) {
  for (unsigned n = 1 + random.below(3); n != 0; --n) meddle_once(random);
}

void Families::meddle_once(Random& random) {
  switch (random.below(6)) {
    case 0:
    case 1:
      return meddle_with_task(random);
    case 2:
      return meddle_with_line(random);
    case 3: {
      std::erase_if(scopes_, [](const KnownScope& known) { return known.modelled.expired(); });
      if (scopes_.empty()) return;
      const KnownScope& known = scopes_[random.below(static_cast<unsigned>(scopes_.size()))];
      known.modelled.lock()->cancelled = true;
      return known.scope->cancel();
    }
    default: {
      std::erase_if(kins_, [](const KinPointer& kin) { return !kin->nursery; });
      if (kins_.empty()) return;
      const KinPointer kin = kins_[random.below(static_cast<unsigned>(kins_.size()))];
      if (random.one_in(3)) {
        kin->scope.cancelled = true;
        kin->nursery->cancel();
      } else {
        begin(kin, random.next());
      }
    }
  }
}

void Families::meddle_with_task(Random& random) {
  std::erase_if(members_, [](const MemberPointer& member) { return member->task.done(); });
  if (members_.empty()) return;
  const MemberPointer member = members_[random.below(static_cast<unsigned>(members_.size()))];
  switch (random.below(5)) {
    case 0:
      member->scope.cancelled = true;
      return member->task.cancel();
    case 1:
    case 2:
      return member->cancel_once();
    case 3:
      if (member->task == TaskRef::running()) return;
      member->was_meddled_with();
      try {
        member->task.throw_(Trouble{++last_trouble_});
      } catch (const TaskRunningError&) {
      }
      return;
    default:
      member->task.close();
      if (member->task.done()) member->closed = true;
  }
}

void Families::meddle_with_line(Random& random) {
  Line& line = some_line(random);
  Bell& bell = some_bell(random);
  switch (random.below(5)) {
    case 0:
      return bell.ring(next_position());
    case 1:
      if (!all_open_) bell.event.clear();
      return;
    case 2:
    case 3: {
      Outgoing mine(book_);
      const bool sent = line.channel.try_send(std::move(mine.parcel));
      return require(mine.parcel.here() != sent, "a parcel is not where its try_send() says");
    }
    default: {
      std::optional<Parcel> parcel = line.channel.try_receive();
      if (parcel) parcel->take();
    }
  }
}

}  // namespace deferred::fuzz
