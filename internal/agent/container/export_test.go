package container

// OpensHistory returns how many former PINs of c a PIN opens.
func (s *Store) OpensHistory(c Container, pin string) (int, error) {
	f, err := s.openHistory(c, pin)
	return len(f.PINs), err
}
