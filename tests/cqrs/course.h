// A course with seats, decided by query: the events of a course are in one stream, those of a
// student's enrolments in many.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "skald/cqrs/decisions.h"

namespace skald::cqrs {

struct CourseOffered {
    std::string course;
    std::uint32_t seats = 0;
    static auto describe() {
        return event<CourseOffered>("CourseOffered", 1)
            .required("course", &CourseOffered::course)
            .required("seats", &CourseOffered::seats)
            .tag("course", &CourseOffered::course);
    }
};
struct Enrolled {
    std::string course;
    std::string student;
    static auto describe() {
        return event<Enrolled>("Enrolled", 1)
            .also_named("SignedUp")
            .required("course", &Enrolled::course)
            .required("student", &Enrolled::student)
            .tag("course", &Enrolled::course)
            .tag("student", &Enrolled::student);
    }
};

struct Offer {
    std::uint32_t seats = 0;
};
struct Enrol {};
struct Count {};  // decides nothing

struct NotOffered {};
struct Full {};
struct TooMany {
    std::uint32_t taken = 0;
};

// What an enrolment of one student in one course is decided on.
struct Seats {
    using Events = EventList<CourseOffered, Enrolled>;
    using Rejection = std::variant<NotOffered, Full, TooMany>;
    using Decision = cqrs::Decision<Seats>;
    static constexpr std::uint32_t kCoursesOfStudent = 2;

    std::string course;
    std::string student;
    std::uint32_t seats = 0;
    std::uint32_t taken = 0;
    std::uint32_t courses = 0;  // that the student is in

    void evolve(const CourseOffered& offered) { seats += offered.seats; }
    void evolve(const Enrolled& enrolled) {
        taken += enrolled.course == course;
        courses += enrolled.student == student;
    }

    Decision decide(const Offer& command) const { return CourseOffered{course, command.seats}; }
    Decision decide(const Enrol&) const {
        if (seats == 0) {
            return NotOffered{};
        }
        if (taken >= seats) {
            return Full{};
        }
        if (courses >= kCoursesOfStudent) {
            return TooMany{courses};
        }
        return Enrolled{course, student};
    }
    Decision decide(const Count&) const { return Decision::nothing(); }
};

inline Boundary<Seats> seats_of(const std::string& course, const std::string& student) {
    return {Query{{tagged<CourseOffered, Enrolled>({tag_of("course", course)}),
                   tagged<Enrolled>({tag_of("student", student)})}},
            "course-" + course, Seats{course, student}};
}

}  // namespace skald::cqrs
