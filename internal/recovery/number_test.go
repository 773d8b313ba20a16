package recovery

import "testing"

func TestTheNumberOfACaseIsTakenAsPeopleTypeIt(t *testing.T) {
	for _, c := range []struct {
		typed, number string
		want          bool
	}{
		{"R-7K4MQ2", "R-7K4MQ2", true},
		{" r 7k4 mq2", "R-7K4MQ2", true},
		{"7k4mq2", "R-7K4MQ2", true},
		{"R7K4MQ", "R-R7K4MQ", true}, // whose own first character is an R
		{"R-R7K4MQ", "R-R7K4MQ", true},
		{"7K4MQ", "R-R7K4MQ", false},
		{"RR7K4MQ2", "R-7K4MQ2", false},
		{"7K4MQ3", "R-7K4MQ2", false},
		{"R-", "R-7K4MQ2", false},
		{"", "R-7K4MQ2", false},
		{"", "", false},
	} {
		if got := SameNumber(c.typed, c.number); got != c.want {
			t.Errorf("%q for %s: %v", c.typed, c.number, got)
		}
	}
}
