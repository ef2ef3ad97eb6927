"""The default preset of MiSuRe against bare passes of the same network and a plain transcription of the paper."""
