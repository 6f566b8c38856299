// Courses with seats and students with timetables: a rule over both, which no single stream holds.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "skald/cqrs/decisions.h"

namespace enrolment {

struct CourseOffered {
    std::string course;
    std::uint32_t seats = 0;
    static auto describe() {
        return skald::cqrs::event<CourseOffered>("CourseOffered", 1)
            .required("course", &CourseOffered::course)
            .required("seats", &CourseOffered::seats)
            .tag("course", &CourseOffered::course);
    }
};
struct Enrolled {
    std::string course;
    std::string student;
    static auto describe() {
        return skald::cqrs::event<Enrolled>("Enrolled", 1)
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

struct Full {};
struct TimetableFull {};

// One student who wants into one course.
struct Enrolment {
    using Events = skald::cqrs::EventList<CourseOffered, Enrolled>;
    using Rejection = std::variant<Full, TimetableFull>;
    using Decision = skald::cqrs::Decision<Enrolment>;
    static constexpr std::uint32_t kCoursesOfStudent = 2;

    std::string course;
    std::string student;
    std::uint32_t free = 0;     // seats of the course
    std::uint32_t courses = 0;  // of the student

    void evolve(const CourseOffered& offered) { free += offered.seats; }
    void evolve(const Enrolled& enrolled) {
        free -= enrolled.course == course ? 1 : 0;
        courses += enrolled.student == student ? 1 : 0;
    }

    Decision decide(const Offer& command) const { return CourseOffered{course, command.seats}; }
    Decision decide(const Enrol&) const {
        if (free == 0) {
            return Full{};
        }
        if (courses == kCoursesOfStudent) {
            return TimetableFull{};
        }
        return Enrolled{course, student};
    }
};

inline skald::cqrs::Boundary<Enrolment> enrolment_of(const std::string& course,
                                                     const std::string& student) {
    using skald::cqrs::tag_of;
    using skald::cqrs::tagged;
    return {.query = {{tagged<CourseOffered, Enrolled>({tag_of("course", course)}),
                       tagged<Enrolled>({tag_of("student", student)})}},
            .stream = "course-" + course,
            .initial = {course, student}};
}

}  // namespace enrolment
