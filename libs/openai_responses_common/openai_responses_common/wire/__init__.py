"""The JSON of the Responses API as it goes over the wire; knows neither Amplifier's messages nor HTTP."""
