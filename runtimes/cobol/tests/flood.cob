IDENTIFICATION DIVISION.
PROGRAM-ID. flood.
PROCEDURE DIVISION.
    PERFORM UNTIL 1 = 2
        DISPLAY "yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes"
    END-PERFORM.
    STOP RUN.
