package genesys

// NewDecoder returns the decoder of one socket: it takes the named attributes, all when
// nil, and keeps its memory from one frame to the next.
func NewDecoder(attributes []string) func(frame []byte) (Frame, error) {
	return newSocketDecoder(attributes).frame
}
