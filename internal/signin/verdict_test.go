package signin

import (
	"testing"

	"github.com/postern-id/postern/internal/access"
)

// Where two contexts are asked for, continuous access evaluation is left out only if no rule of
// either wants it, in whatever order they come.
func TestContinuousEvaluationIsLeftOutOnlyIfNothingWantsIt(t *testing.T) {
	for _, out := range [][2]bool{{true, true}, {true, false}, {false, true}, {false, false}} {
		v := &Verdict{Met: true, NoContinuous: true}
		for _, one := range out {
			v.add(access.Decision{Met: true, NoContinuous: one})
		}
		if v.NoContinuous != (out[0] && out[1]) {
			t.Errorf("%v: %v", out, v.NoContinuous)
		}
	}
}
