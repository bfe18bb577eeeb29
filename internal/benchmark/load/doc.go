// Package load is a Genesys platform that does little and is fast: it shows an
// organization over REST and sends prepared frames over websockets, at a pace that is
// asked for. Its frames are templates in which ids, times and the number of the frame
// are patched, so that the load costs far less than what it loads.
//
// It shares no code with the service, and judges nothing: what came of the frames is
// read from the stream by others.
package load
