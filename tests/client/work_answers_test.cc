#include "client/work_answers.h"

#include <catch2/catch.hpp>

#include "base/limits.h"

namespace skald::client {
namespace {

using wire::AnsweredPlaces;

Place at(std::uint64_t offset, std::uint16_t partition = 0) {
    return {Partition{partition}, Offset{offset}};
}

AnsweredPlaces places(std::uint64_t first, std::uint64_t next, WorkAnswer answer = AckWork{},
                      std::uint16_t partition = 0) {
    return {Partition{partition}, Offset{first}, Offset{next}, std::move(answer)};
}

using List = std::vector<AnsweredPlaces>;

}  // namespace

TEST_CASE("work answers: neighbours of a kind are one", "[client]") {
    WorkAnswers answers;
    CHECK(answers.settled());
    for (const std::uint64_t offset : {5, 6, 7}) {
        answers.add(at(offset), AckWork{});
    }
    answers.add(at(9), AckWork{});
    answers.add(at(10), SkipWork{});
    answers.add(at(11), SkipWork{});
    answers.add(at(12, 1), SkipWork{});
    answers.add(at(13, 1), RetryWork{std::nullopt, "a"});
    answers.add(at(14, 1), RetryWork{std::nullopt, "b"});
    answers.add(at(15, 1), ReleaseWork{});
    answers.add(at(16, 1), ReleaseWork{});
    CHECK(answers.begin() ==
          List{places(5, 8), places(9, 10), places(10, 12, SkipWork{}),
               places(12, 13, SkipWork{}, 1), places(13, 14, RetryWork{std::nullopt, "a"}, 1),
               places(14, 15, RetryWork{std::nullopt, "b"}, 1), places(15, 17, ReleaseWork{}, 1)});
    CHECK_FALSE(answers.waiting());
    CHECK_FALSE(answers.settled());
    answers.confirm();
    CHECK(answers.settled());
}

TEST_CASE("work answers: an extension stands alone, and is lost with what was held", "[client]") {
    WorkAnswers answers;
    answers.add(at(1), AckWork{});
    answers.extend(at(2), std::chrono::seconds(5));
    answers.extend(at(2), std::chrono::hours(25));
    answers.add(at(2), AckWork{});
    const auto said = answers.begin();
    REQUIRE(said.size() == 4);
    CHECK(said[0] == places(1, 2));
    CHECK(said[1].extend == std::chrono::seconds(5));
    CHECK(said[2].extend == std::chrono::hours(24));
    CHECK(said[3] == places(2, 3));
    answers.lose();
    CHECK(answers.begin() == List{places(1, 2), places(2, 3)});
}

TEST_CASE("work answers: what the node was told is known by number", "[client]") {
    WorkAnswers answers;
    CHECK(answers.add(at(1), AckWork{}) == 1);
    CHECK(answers.add(at(2), AckWork{}) == 2);
    CHECK(answers.begun() == 0);
    (void)answers.begin();
    CHECK(answers.begun() == 2);
    CHECK(answers.add(at(3), AckWork{}) == 3);
    CHECK(answers.begun() == 2);
    answers.confirm();
    CHECK(answers.begun() == 2);
    CHECK(answers.begin() == List{places(3, 4)});
    CHECK(answers.begun() == 3);
    answers.lose();
    CHECK(answers.begun() == 2);
    CHECK(answers.begin() == List{places(3, 4)});
    answers.confirm();
    CHECK(answers.begin().empty());
    answers.confirm();
    CHECK(answers.begun() == 3);
}

TEST_CASE("work answers: what was lost waits again, each place alone and first", "[client]") {
    WorkAnswers answers;
    answers.add(at(1), AckWork{});
    answers.add(at(2), AckWork{});
    (void)answers.begin();
    answers.add(at(3), AckWork{});
    answers.add(at(4), AckWork{});
    answers.lose();
    CHECK(answers.waiting());
    answers.add(at(5), AckWork{}, true);
    answers.add(at(6), AckWork{});
    answers.add(at(7), AckWork{});
    CHECK(answers.begin() ==
          List{places(1, 2), places(2, 3), places(3, 4), places(4, 5), places(5, 6), places(6, 8)});
    answers.confirm();
    CHECK(answers.begun() == 7);
}

TEST_CASE("work answers: a request has no more than it may have", "[client]") {
    WorkAnswers answers;
    for (std::uint64_t i = 0; i <= limits::kMemberAnswersMax; ++i) {
        answers.add(at(2 * i), AckWork{});
    }
    CHECK(answers.begin().size() == limits::kMemberAnswersMax);
    answers.confirm();
    CHECK(answers.begin().size() == 1);
    answers.confirm();

    const std::string reason(2 * limits::kWorkReasonBytesMax, 'r');
    for (std::uint64_t i = 0; i < limits::kMemberAnswersMax; ++i) {
        answers.add(at(i), ParkWork{std::to_string(i) + reason});
    }
    std::size_t requests = 0;
    for (wire::MemberRequest request; answers.waiting(); ++requests) {
        request.answers = answers.begin();
        CHECK(wire::encode(request).size() < limits::kRequestBytesMax / 2);
        answers.confirm();
    }
    CHECK(requests > 1);
}

TEST_CASE("work answers: reasons are cut, delays are kept in range", "[client]") {
    using std::chrono::milliseconds;
    WorkAnswers answers;
    answers.add(at(1), ParkWork{std::string(limits::kWorkReasonBytesMax + 1, 'r')});
    answers.add(at(2), RetryWork{milliseconds(-5), ""});
    answers.add(at(3), RetryWork{std::chrono::hours(25), ""});
    CHECK(answers.begin() ==
          List{places(1, 2, ParkWork{std::string(limits::kWorkReasonBytesMax, 'r')}),
               places(2, 3, RetryWork{milliseconds(0), ""}),
               places(3, 4, RetryWork{std::chrono::hours(24), ""})});
}

}  // namespace skald::client
