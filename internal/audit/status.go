package audit

import "time"

// Status is how far the log of a tenant is sealed.
type Status struct {
	Head       Head
	Checkpoint Head      // of the last checkpoint, as its note states it; zero when there is none
	SignedAt   time.Time // UTC; when it was signed
	Signed     bool      // one of the tenant's keys signed it, and it is that of Head

	Unsealed       int       // committed entries without a place, counted up to MostUnsealed
	OldestUnsealed time.Time // UTC; zero when all are sealed
	FirstKept      int64     // the position of the oldest entry that was not pruned

	Witnesses []WitnessStatus
}

// MostUnsealed is how far unsealed entries are counted.
const MostUnsealed = 10000

// WitnessStatus is how far a witness was told.
type WitnessStatus struct {
	Kind string // file, syslog or webhook
	Name string
	Told int64 // the size of the last checkpoint that it took; -1 when it took none yet
}

// Check compares the last checkpoint, a signed note or nil, with the head and the keys.
func (s *Status) Check(note []byte, open func(note []byte) (Head, error)) {
	if note == nil {
		return
	}
	if h, err := readCheckpoint(note); err == nil {
		s.Checkpoint = h
	}
	h, err := open(note)
	s.Signed = err == nil && h == s.Head
}
