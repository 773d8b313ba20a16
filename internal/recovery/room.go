package recovery

// How many cases of one person wait at a time, for each kind of opener: neither a stranger nor an
// application, nor the manager, uses up the room of the helpdesk. Those that somebody asked for where
// the person signed in before are counted apart from those from anywhere else, so that no stranger uses
// up theirs.
const (
	MostLiving = 5
	MostAsked  = 3
)

// A room is what cases are counted by.
type room struct {
	kind  OpenerKind
	known bool
}

func (r room) self() bool { return r.kind == BySelf }

func (c Case) room() room {
	return room{c.Opener.Kind, c.Opener.Kind == BySelf && c.Opener.Known}
}

// Room finds room for a new case c beside the living ones of its person, the oldest of which come
// first. Where too many were asked for, one gives way of which nobody has said anything yet, the
// oldest of the network that asked most often: out is its place in living, or -1. It is ErrMany
// when none gives way. A case that is disputed takes up no room: it waits for who decides.
func (c Case) Room(living []Case) (out int, err error) {
	most := MostLiving
	if c.room().self() {
		most = MostAsked
	}
	taken, out, asked := 0, -1, map[string]int{c.Opener.Network: 1}
	for _, other := range living {
		if other.room() == c.room() && other.State != Disputed {
			taken++
			asked[other.Opener.Network]++
		}
	}
	if taken < most {
		return -1, nil
	}
	for i, other := range living {
		gives := c.room().self() && other.room() == c.room() && other.State.Waits() && other.silent()
		if gives && (out < 0 || asked[other.Opener.Network] > asked[living[out].Opener.Network]) {
			out = i
		}
	}
	if out < 0 {
		return -1, ErrMany
	}
	return out, nil
}

// silent reports whether nobody has said anything in c.
func (c Case) silent() bool { return len(c.Proofs) == 0 && len(c.Approvals) == 0 && c.Pass == nil }

// Unspoken reports whether c was asked for where the person never signed in, and nobody has said anything in
// it: anybody may have asked, so it says nothing about the person.
func (c Case) Unspoken() bool {
	return c.Opener.Kind == BySelf && !c.Opener.Known && c.silent()
}

// Unheard reports whether c was asked for by somebody who is not signed in, and gave way to another
// before anybody said anything. Of those, there may be many, and nothing ever came of them.
func (c Case) Unheard() bool {
	return c.Outcome == Superseded && c.Opener.Kind == BySelf && c.silent()
}
