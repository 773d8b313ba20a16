package directory

import "time"

// A Root is what something came from, however many steps back: a pass, a recovery case, a session or a method. It is
// noted with what came from it, so that this is found when what was between is gone.
type Root struct {
	ID string    `json:"id"`
	At time.Time `json:"at,omitzero"` // when a session or a method was used for it; zero for a pass or a case
}
